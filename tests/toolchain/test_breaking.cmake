target_sources(test_breaking PRIVATE breaking_cases.c executed_case.c)
