target_sources(test_dfx_flat PRIVATE random_program.c)
