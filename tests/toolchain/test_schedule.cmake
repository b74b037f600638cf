add_test(NAME test_schedule_slow COMMAND test_schedule 50000 2)
set_tests_properties(test_schedule_slow PROPERTIES LABELS "toolchain;slow" TIMEOUT 900)
