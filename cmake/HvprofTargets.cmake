# SPDX-License-Identifier: GPL-2.0-or-later

# Seconds that a unit test or a corpus may take: only to end one that hangs. ThreadSanitizer is 20 times slower.
if(HVPROF_SANITIZE)
	set(HVPROF_TEST_TIMEOUT 600)
else()
	set(HVPROF_TEST_TIMEOUT 120)
endif()

# hvprof_library(NAME SOURCES file... [LIBS lib...]): a static library of one folder. Each header beside the
# sources is also compiled alone, so that it stands on its own.
function(hvprof_library name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
	set(checks)
	foreach(source ${ARG_SOURCES})
		get_filename_component(folder ${source} DIRECTORY)
		list(APPEND folders "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
	endforeach()
	list(REMOVE_DUPLICATES folders)
	foreach(folder ${folders})
		file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.h)
		foreach(header ${headers})
			file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${header})
			string(REPLACE "/" "_" flat ${path})
			set(check ${CMAKE_CURRENT_BINARY_DIR}/alone_${flat}.c)
			file(CONFIGURE OUTPUT ${check} CONTENT "#include \"${path}\"\ntypedef int hvp_not_empty;\n")
			list(APPEND checks ${check})
		endforeach()
	endforeach()
	add_library(${name} STATIC ${ARG_SOURCES} ${checks})
	target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

# hvprof_unit_test(NAME SOURCES file... [LIBS lib...] [FAULTS]): a CMocka program, label "unit". With FAULTS its
# allocations can be made to fail (tests/unit/fault.h).
function(hvprof_unit_test name)
	cmake_parse_arguments(ARG "FAULTS" "" "SOURCES;LIBS" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	target_link_libraries(${name} PRIVATE ${ARG_LIBS} ${CMOCKA_LIBRARY})
	if(ARG_FAULTS)
		target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit/fault.c)
		foreach(function malloc calloc realloc strdup strndup asprintf vasprintf)
			target_link_options(${name} PRIVATE -Wl,--wrap=${function})
		endforeach()
	endif()
	add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
	set_tests_properties(${name} PROPERTIES LABELS unit SKIP_RETURN_CODE 77 TIMEOUT ${HVPROF_TEST_TIMEOUT})
endfunction()

# hvprof_fuzz_target(NAME SOURCES file... CORPUS dir [LIBS lib...]): LLVMFuzzerTestOneInput() in the sources. With
# HVPROF_FUZZ a libFuzzer program; always a replay of the kept corpus as a test, label "fuzz".
function(hvprof_fuzz_target name)
	cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LIBS" ${ARGN})
	if(HVPROF_FUZZ)
		add_executable(${name} ${ARG_SOURCES})
		target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
		target_link_libraries(${name} PRIVATE ${ARG_LIBS})
	endif()
	add_executable(${name}_replay ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
	target_link_libraries(${name}_replay PRIVATE ${ARG_LIBS})
	add_test(NAME ${name}_replay COMMAND ${name}_replay ${ARG_CORPUS})
	set_tests_properties(${name}_replay PROPERTIES LABELS fuzz SKIP_RETURN_CODE 77 TIMEOUT ${HVPROF_TEST_TIMEOUT})
endfunction()
