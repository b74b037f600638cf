# What we build on, all of it from the distribution: nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CBLAS REQUIRED IMPORTED_TARGET openblas) # programs and tests, not the library
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

# Ranks of mpirun and srun. A sanitizer would complain about MPI's own leaks and threads.
set(KPU_MPI AUTO CACHE STRING "Build kpu-dse with MPI: AUTO (if it is there), ON, OFF")
set(kpu_has_mpi OFF)
if(KPU_MPI STREQUAL "ON")
  find_package(MPI REQUIRED COMPONENTS C)
elseif(KPU_MPI AND NOT KPU_SANITIZE)
  find_package(MPI QUIET COMPONENTS C)
endif()
if(KPU_MPI AND MPI_C_FOUND)
  set(kpu_has_mpi ON)
endif()

# The distribution's Python first: it is the one for which the packages of analysis/ are installed.
find_program(KPU_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH DOC "Python of tests and pictures")
find_program(KPU_PYTHON python3)
