# -Wrestrict: GCC 12 reports std::string::insert and operator+ falsely (GCC bug 105651).
set(TENBIT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
set(TENBIT_WARNINGS_OFF -Wno-restrict)

# Eight files of a folder are one translation unit where a preset says CMAKE_UNITY_BUILD: most of a file's
# compile time goes into headers and templates that its neighbours have too. So a name in an anonymous
# namespace is unique in its folder. What a neighbour's file-level name shadows is no mistake there, nor is a
# test's fixture in an anonymous namespace; presets that compile each file alone say what is.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
if(CMAKE_UNITY_BUILD)
  list(APPEND TENBIT_WARNINGS_OFF -Wno-shadow -Wshadow=local -Wno-subobject-linkage)
endif()

# What each folder's library links. The include table in tests/tidy_test.cpp says the same of
# the headers, so a dependency that is not here is an error twice.
set(TENBIT_LINK_base fmt::fmt PkgConfig::SODIUM)
set(TENBIT_LINK_config tenbit_base)
set(TENBIT_LINK_codec tenbit_base)
set(TENBIT_LINK_actors tenbit_base tenbit_config tenbit_codec nlohmann_json::nlohmann_json
    ${CAF_CORE_LIBRARY})
set(TENBIT_LINK_benchmarks tenbit_base tenbit_config simdjson::simdjson
    nlohmann_json::nlohmann_json)
set(TENBIT_LINK_protocols tenbit_actors tenbit_benchmarks tenbit_codec)
set(TENBIT_LINK_endpoints tenbit_actors CURL::libcurl simdjson::simdjson
    nlohmann_json::nlohmann_json spdlog::spdlog)
set(TENBIT_LINK_simulator tenbit_benchmarks simdjson::simdjson nlohmann_json::nlohmann_json
    spdlog::spdlog Threads::Threads)
set(TENBIT_LINK_storage tenbit_actors RocksDB::rocksdb-shared spdlog::spdlog)
set(TENBIT_LINK_workers tenbit_actors tenbit_protocols tenbit_endpoints tenbit_benchmarks)
set(TENBIT_LINK_coordinator tenbit_actors tenbit_storage tenbit_benchmarks spdlog::spdlog)
set(TENBIT_LINK_link tenbit_actors PkgConfig::ZMQ spdlog::spdlog Threads::Threads)
set(TENBIT_LINK_control tenbit_actors prometheus-cpp::core nlohmann_json::nlohmann_json
    spdlog::spdlog Threads::Threads)
set(TENBIT_LINK_report tenbit_storage tenbit_codec tenbit_benchmarks nlohmann_json::nlohmann_json)
set(TENBIT_LINK_cli tenbit_report tenbit_coordinator tenbit_link tenbit_control tenbit_workers tenbit_simulator
    CLI11::CLI11 spdlog::spdlog)

function(tenbit_compile_options target)
  if(TENBIT_FUZZ) # clang warns of other things than the compiler the project is held to
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -g1)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
    return()
  endif()
  target_compile_options(${target} PRIVATE ${TENBIT_WARNINGS}
                         $<$<CXX_COMPILER_ID:GNU>:${TENBIT_WARNINGS_OFF}>)
  if(TENBIT_KILL_POINTS)
    target_compile_definitions(${target} PRIVATE TENBIT_KILL_POINTS=1)
  endif()
  if(TENBIT_SANITIZE)
    # GCC 12 reports false -Wmaybe-uninitialized under sanitizers.
    target_compile_options(${target} PRIVATE -fsanitize=${TENBIT_SANITIZE}
                           -fno-omit-frame-pointer -Wno-maybe-uninitialized)
    if(TENBIT_SANITIZE MATCHES "thread")
      target_compile_options(${target} PRIVATE -Wno-tsan) # fences of Asio: TSan cannot see them
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${TENBIT_SANITIZE})
  endif()
endfunction()

# One folder, one library: every .cpp in it, no list to keep.
function(tenbit_library folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    add_library(tenbit_${folder} INTERFACE)
    target_include_directories(tenbit_${folder} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(tenbit_${folder} INTERFACE ${TENBIT_LINK_${folder}})
    return()
  endif()
  add_library(tenbit_${folder} STATIC ${sources})
  target_include_directories(tenbit_${folder} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(tenbit_${folder} PUBLIC ${TENBIT_LINK_${folder}})
  tenbit_compile_options(tenbit_${folder})
endfunction()

function(tenbit_program folder name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${TENBIT_LINK_${folder}} ${TENBIT_MALLOC})
  tenbit_compile_options(${name})
endfunction()

# tests/<folder>/*_test.cpp -> one test program test_<folder>.
function(tenbit_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources})
  target_include_directories(test_${folder} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(test_${folder} PRIVATE ${ARGN} GTest::gmock GTest::gtest_main rapidcheck)
  tenbit_compile_options(test_${folder})
  target_compile_definitions(test_${folder} PRIVATE TENBIT_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             TENBIT_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set(environment "")
  if(TENBIT_SANITIZE MATCHES "thread")
    # Inherited by the processes a test starts. What was suppressed is not worth a line in stderr.
    set(options "suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp:print_suppressions=0")
    set(environment ENVIRONMENT "TSAN_OPTIONS=${options}")
  endif()
  set(properties TIMEOUT 600 LABELS ${folder} ${environment})
  set(beside "*")
  if(folder STREQUAL "system" AND TENBIT_SANITIZE)
    list(APPEND properties PROCESSORS 2) # a cluster with sanitizers keeps two CPUs busy
  elseif(folder STREQUAL "system")
    # Only these need the machine for themselves: they hold the cluster to a time on the clock (from
    # a restart to the first grant: five seconds). All other tests of clusters wait most of their
    # time, for leases to end and simulators to answer (0.2 to 0.5 of one CPU, all their processes
    # together), and run beside others.
    set(alone "F1_CoordinatorKilled.*")
    gtest_discover_tests(test_${folder} DISCOVERY_MODE PRE_TEST TEST_FILTER "${alone}"
                         PROPERTIES ${properties} RUN_SERIAL TRUE)
    set(beside "-${alone}")
  endif()
  gtest_discover_tests(test_${folder} DISCOVERY_MODE PRE_TEST TEST_FILTER "${beside}"
                       PROPERTIES ${properties})
endfunction()
