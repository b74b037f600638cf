add_test(NAME test_trace_slow COMMAND test_trace 4000 2)
set_tests_properties(test_trace_slow PROPERTIES LABELS "toolchain;slow" TIMEOUT 900)
