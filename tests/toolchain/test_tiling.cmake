target_sources(test_tiling PRIVATE tiling_answer.c)
