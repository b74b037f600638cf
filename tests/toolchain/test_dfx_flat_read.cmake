target_sources(test_dfx_flat_read PRIVATE random_program.c)
target_compile_definitions(
  test_dfx_flat_read
  PRIVATE KPU_FLAT_SAMPLE="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/dfx_flat/published.json")
