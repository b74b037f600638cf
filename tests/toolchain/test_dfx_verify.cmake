target_sources(test_dfx_verify PRIVATE random_program.c)
