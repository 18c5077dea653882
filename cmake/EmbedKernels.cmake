# Turns kernels_cl/*.cl into byte arrays in one generated C file that defines cly_kernel_sources[] (src/device/device.h).
# Byte arrays because a C compiler need not take string literals over 4,095 characters; only CMake is needed.
#
# common.h stands before each program, and a line `#include "other.h"` is replaced by that header of the same folder,
# because a compiler on the user's machine finds no files of ours. #line keeps the line numbers of build logs right.

if(CMAKE_SCRIPT_MODE_FILE)
  # cmake -DFOLDER=... -DOUTPUT=... -P EmbedKernels.cmake
  function(read_source name result)
    file(READ ${FOLDER}/${name} content HEX)
    file(STRINGS ${FOLDER}/${name} includes REGEX "^#include \"[a-z0-9_]+\\.h\"$")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#include \"(.*)\"$" "\\1" header "${line}")
      read_source(${header} inner)
      string(HEX "${line}" line_hex)
      string(REPLACE "${line_hex}" "${inner}" content "${content}")
    endforeach()
    set(${result} "${content}" PARENT_SCOPE)
  endfunction()

  set(arrays "")
  set(rows "")
  file(GLOB programs RELATIVE ${FOLDER} ${FOLDER}/*.cl)
  list(SORT programs)
  read_source(common.h common)
  foreach(program IN LISTS programs)
    string(REGEX REPLACE "\\.cl$" "" name ${program})
    read_source(${program} body)
    string(HEX "#line 1 \"common.h\"\n" common_line)
    string(HEX "\n#line 1 \"${program}\"\n" body_line)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${common_line}${common}${body_line}${body}")
    string(APPEND arrays "static const unsigned char ${name}_bytes[] = {${bytes}};\n")
    string(APPEND rows "    {\"${name}\", ${name}_bytes, sizeof(${name}_bytes)},\n")
  endforeach()
  file(WRITE ${OUTPUT}.new "/* Generated from kernels_cl by cmake/EmbedKernels.cmake. */\n#include \"device/device.h\"\n\n"
    "${arrays}\nconst cly_kernel_source cly_kernel_sources[] = {\n${rows}    {NULL, NULL, 0},\n};\n")
  file(RENAME ${OUTPUT}.new ${OUTPUT})
  return()
endif()

set(CLAYER_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

# clayer_embed_kernels(folder output.c)
function(clayer_embed_kernels folder output)
  file(GLOB inputs CONFIGURE_DEPENDS ${folder}/*.cl ${folder}/*.h)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DOUTPUT=${output} -P ${CLAYER_EMBED_SCRIPT}
    DEPENDS ${inputs} ${CLAYER_EMBED_SCRIPT}
    COMMENT "Embedding kernels"
    VERBATIM)
endfunction()
