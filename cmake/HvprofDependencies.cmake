# SPDX-License-Identifier: GPL-2.0-or-later
# Everything comes from Debian; `make setup` installs it (packaging/setup says what).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(LIBDW REQUIRED IMPORTED_TARGET libdw)
pkg_check_modules(CAPSTONE REQUIRED IMPORTED_TARGET capstone)
pkg_check_modules(JSONC REQUIRED IMPORTED_TARGET json-c)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)

find_library(PFM_LIBRARY pfm REQUIRED)
find_path(PFM_INCLUDE perfmon/pfmlib.h REQUIRED)
find_library(IBERTY_LIBRARY iberty REQUIRED)
find_path(IBERTY_INCLUDE libiberty/demangle.h REQUIRED)

# These two are loaded at run time (common/base/library.h), by the name of the version that is compiled against.
function(hvprof_soname library result)
	execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${library} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
	string(REGEX MATCH "SONAME +([^\n]+)" found "${headers}")
	if(NOT found)
		message(FATAL_ERROR "${library} has no soname: is it no shared library?")
	endif()
	set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()
hvprof_soname(${PFM_LIBRARY} PFM_SONAME)
hvprof_soname(${CAPSTONE_LINK_LIBRARIES} CAPSTONE_SONAME)

if(HVPROF_TESTS)
	find_library(CMOCKA_LIBRARY cmocka REQUIRED)
endif()
# Without it the manual pages are not built.
find_program(SCDOC scdoc)
