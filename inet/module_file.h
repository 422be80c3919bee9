/* SPDX-License-Identifier: MIT */
/*
 * module_file.h - whether a file can be a module, before libc maps it.
 */
#ifndef COP_MODULE_FILE_H
#define COP_MODULE_FILE_H

/**
 * module_file_fault - look at a file that shall be loaded
 * @path: its absolute name
 *
 * libc's dlopen() maps a file that was cut off without a look at its length, and a
 * segment of a damaged file over other libraries: then a signal ends the program. So
 * the library looks first. Opens regular files only, so it never waits. Returns NULL if the file is a whole shared
 * object for this processor, "" if there is no such file, or says what is wrong.
 */
const char *module_file_fault(const char *path);

#endif /* COP_MODULE_FILE_H */
