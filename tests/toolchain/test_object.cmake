target_sources(test_object PRIVATE random_program.c)
