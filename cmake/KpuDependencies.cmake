# What we build on, all of it from the distribution: nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CBLAS REQUIRED IMPORTED_TARGET openblas) # programs and tests, not the library
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

# The distribution's Python first: it is the one for which the packages of analysis/ are installed.
find_program(KPU_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH DOC "Python of tests and pictures")
find_program(KPU_PYTHON python3)
