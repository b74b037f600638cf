add_test(NAME test_views_slow COMMAND test_views 4000 2)
set_tests_properties(test_views_slow PROPERTIES LABELS "toolchain;slow" TIMEOUT 900)
