# SPDX-License-Identifier: GPL-2.0-or-later
# The language level, the warnings and the sanitizers of every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_compile_definitions(_GNU_SOURCE HVP_VERSION="${PROJECT_VERSION}")
add_compile_options(
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-nonliteral
	-fno-strict-aliasing -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
include_directories(${CMAKE_SOURCE_DIR})

if(HVPROF_SANITIZE)
	add_compile_options(-fsanitize=${HVPROF_SANITIZE} -fno-sanitize-recover=all)
	if(CMAKE_C_COMPILER_ID STREQUAL GNU)
		# gcc's manual: instrumentation brings false ones. The other builds warn.
		add_compile_options(-Wno-maybe-uninitialized)
	endif()
	add_link_options(-fsanitize=${HVPROF_SANITIZE})
endif()
if(HVPROF_FUZZ)
	# All code tells the fuzzer where it has been, not the targets' own alone.
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_link_options(-fsanitize=fuzzer-no-link)
endif()
