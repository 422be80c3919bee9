/* SPDX-License-Identifier: MIT */
/*
 * unitfile.h - reads the files of a service of systemd.
 */
#ifndef COP_TOOLS_UNITFILE_H
#define COP_TOOLS_UNITFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The settings that say whether a library gets into the service's processes. */
enum unit_setting {
	UNIT_ENVIRONMENT,
	UNIT_ENVIRONMENT_FILE,
	UNIT_UNSET_ENVIRONMENT,
	UNIT_EXEC_START,
	UNIT_ROOT_DIRECTORY,
	UNIT_ROOT_IMAGE,
	UNIT_PROTECT_HOME,
	UNIT_PRIVATE_TMP,
	UNIT_INACCESSIBLE_PATHS,
	UNIT_TEMPORARY_FILE_SYSTEM,
	UNIT_NO_EXEC_PATHS,
	UNIT_EXEC_PATHS,
	UNIT_BIND_PATHS,
	UNIT_USER,
	UNIT_DYNAMIC_USER,
	UNIT_GROUP,
	UNIT_SETTINGS,
};

/* Values as they are written, a line for each; NULL: not set. */
struct unit_settings {
	char *values[UNIT_SETTINGS];
	size_t len[UNIT_SETTINGS]; /* of each value */
};

/**
 * unitfile_read - add the settings of a file's section [Service]
 * @settings: empty before the first file
 * @in: the file
 *
 * A file may have any content: what systemd would not understand is ignored.
 */
void unitfile_read(struct unit_settings *settings, FILE *in);
void unitfile_free(struct unit_settings *settings);

/**
 * unitfile_word - take the next word of a value
 * @text: where to begin; set to the text behind the word. The text is changed
 *
 * Quotes and escapes are undone, specifiers as %i stay. Returns the word, or NULL.
 */
char *unitfile_word(char **text);

/**
 * unitfile_variable - find a variable of Environment=
 * @settings: from unitfile_read()
 * @name: the variable
 *
 * Returns its value, with specifiers as they are, or NULL. The caller frees it.
 */
char *unitfile_variable(const struct unit_settings *settings, const char *name);

/**
 * unitfile_plain - undo what unitfile_quote() does with a % that is no specifier
 * @text: the text, which becomes shorter
 *
 * Returns @text.
 */
char *unitfile_plain(char *text);

/**
 * unitfile_quote - write a text between quotes for a value of words
 * @out: the file
 * @text: the text
 * @has_specifiers: whether a % begins a specifier; else it stands for itself
 */
void unitfile_quote(FILE *out, const char *text, bool has_specifiers);

#endif /* COP_TOOLS_UNITFILE_H */
