target_sources(test_object PRIVATE random_program.c)

# The reader of analysis/ has to agree with ours: it has the standard library and no more.
add_executable(object_samples object_samples.c random_program.c
               $<TARGET_OBJECTS:kpu_test_cases>)
kpu_options(object_samples)
target_include_directories(object_samples PRIVATE ${PROJECT_SOURCE_DIR}/tests ${property})
target_link_libraries(object_samples PRIVATE kpu m)
add_test(NAME test_object_reader
         COMMAND ${KPU_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/test_object_reader.py
                 $<TARGET_FILE:object_samples> ${PROJECT_SOURCE_DIR})
set_tests_properties(test_object_reader PROPERTIES LABELS "toolchain;quick"
                     ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
add_test(NAME test_object_document
         COMMAND ${KPU_PYTHON} ${PROJECT_SOURCE_DIR}/tests/docs/test_examples.py
                 --program $<TARGET_FILE:kpu-dse> ${PROJECT_SOURCE_DIR}/docs/kpu-object.md)
set_tests_properties(test_object_document PROPERTIES LABELS "toolchain;docs;quick")
