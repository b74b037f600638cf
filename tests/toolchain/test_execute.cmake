target_sources(test_execute PRIVATE executed_case.c schedule_mutation.c)
target_include_directories(test_execute PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit) # tiny_machine.h
add_test(NAME test_execute_slow COMMAND test_execute 40000 2)
set_tests_properties(test_execute_slow PROPERTIES LABELS "toolchain;slow" TIMEOUT 900)
