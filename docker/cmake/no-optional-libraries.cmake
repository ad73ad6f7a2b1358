# espeak-ng finds or downloads these if it may; the synthesizer needs none of them.
set(USE_LIBSONIC OFF CACHE BOOL "" FORCE)
set(USE_LIBPCAUDIO OFF CACHE BOOL "" FORCE)
set(USE_MBROLA OFF CACHE BOOL "" FORCE)
set(USE_ASYNC OFF CACHE BOOL "" FORCE)
# Any value that is not false, and any directory that exists: the search for sonic then ends at once.
set(SONIC_LIB "unused" CACHE STRING "" FORCE)
set(SONIC_INC "${CMAKE_CURRENT_LIST_DIR}" CACHE STRING "" FORCE)
