# kpu_options(target): warnings and include path of everything that we compile.
function(kpu_options target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include
                                               ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    -Wmissing-prototypes -ffp-contract=off $<$<BOOL:${KPU_WERROR}>:-Werror>)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE KPU_VERSION="${PROJECT_VERSION}")
  if(KPU_SANITIZE)
    set(sanitize -fsanitize=${KPU_SANITIZE} -fno-sanitize-recover=all)
    target_compile_options(${target} PRIVATE ${sanitize} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE ${sanitize})
  endif()
endfunction()

# kpu_module(name [LIBRARIES lib...]): the sources of this folder as object library kpu_<name>.
function(kpu_module name)
  cmake_parse_arguments(arg "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  add_library(kpu_${name} OBJECT ${sources})
  kpu_options(kpu_${name})
  target_link_libraries(kpu_${name} PRIVATE ${arg_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY KPU_LIBRARIES ${arg_LIBRARIES})
endfunction()

# kpu_library(target module...): libkpu from the modules' objects.
function(kpu_library target)
  foreach(module IN LISTS ARGN)
    list(APPEND objects $<TARGET_OBJECTS:kpu_${module}>)
  endforeach()
  add_library(${target} ${objects})
  get_property(libraries GLOBAL PROPERTY KPU_LIBRARIES)
  list(REMOVE_DUPLICATES libraries)
  target_link_libraries(${target} PRIVATE ${libraries} m)
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
                                             SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()
