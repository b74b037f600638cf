target_sources(test_loader PRIVATE $<TARGET_OBJECTS:kpu_tools> $<TARGET_OBJECTS:kpu_tools_numeric>)

# The programs, from a graph to numbers, against NumPy.
add_test(NAME test_loader_numpy
         COMMAND ${KPU_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/test_loader.py
                 $<TARGET_FILE:kpu-kernel-compiler> $<TARGET_FILE:kpu-loader> ${PROJECT_SOURCE_DIR})
set_tests_properties(test_loader_numpy PROPERTIES LABELS "toolchain;quick"
                     ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
