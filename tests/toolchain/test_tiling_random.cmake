target_sources(test_tiling_random PRIVATE tiling_answer.c)
add_test(NAME test_tiling_slow COMMAND test_tiling_random 3000 2)
set_tests_properties(test_tiling_slow PROPERTIES LABELS "toolchain;slow" TIMEOUT 900)
