target_sources(test_dfx PRIVATE random_program.c)
