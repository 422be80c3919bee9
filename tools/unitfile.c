// SPDX-License-Identifier: MIT
/*
 * unitfile.c - reads the files of a service of systemd: lines of NAME=VALUE in
 * sections. Counterpart: systemd.syntax(7).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "unitfile.h"

#define SPACE	 " \t\n\r"
#define FILE_MAX (1 << 20) /* bytes of a file that are read, as in systemd */

static const struct setting {
	const char *name;
	enum unit_setting is;
	bool is_list; /* a further value is added, and an empty one clears all */
} names[] = {
	{ "Environment", UNIT_ENVIRONMENT, true },
	{ "EnvironmentFile", UNIT_ENVIRONMENT_FILE, true },
	{ "UnsetEnvironment", UNIT_UNSET_ENVIRONMENT, true },
	{ "ExecStart", UNIT_EXEC_START, true },
	{ "RootDirectory", UNIT_ROOT_DIRECTORY, false },
	{ "RootImage", UNIT_ROOT_IMAGE, false },
	{ "ProtectHome", UNIT_PROTECT_HOME, false },
	{ "PrivateTmp", UNIT_PRIVATE_TMP, false },
	{ "InaccessiblePaths", UNIT_INACCESSIBLE_PATHS, true },
	{ "TemporaryFileSystem", UNIT_TEMPORARY_FILE_SYSTEM, true },
	{ "NoExecPaths", UNIT_NO_EXEC_PATHS, true },
	{ "ExecPaths", UNIT_EXEC_PATHS, true },
	{ "BindPaths", UNIT_BIND_PATHS, true },
	{ "BindReadOnlyPaths", UNIT_BIND_PATHS, true },
	{ "User", UNIT_USER, false },
	{ "DynamicUser", UNIT_DYNAMIC_USER, false },
	{ "Group", UNIT_GROUP, false },
	{ "SupplementaryGroups", UNIT_GROUP, true },
};

/* ---- lines ---------------------------------------------------------------- */

static char *strip(char *text)
{
	char *end;

	text += strspn(text, SPACE);
	end = text + strlen(text);
	while (end > text && strchr(SPACE, end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Returns whether there was memory for it. */
static bool append(char **text, size_t *len, const char *part)
{
	size_t n = strlen(part);
	char *more = realloc(*text, *len + n + 1);

	if (!more)
		return false;
	memcpy(more + *len, part, n + 1);
	*text = more;
	*len += n;
	return true;
}

static void set(struct unit_settings *settings, const struct setting *s,
		const char *text)
{
	char **value = &settings->values[s->is];
	size_t *len = &settings->len[s->is];

	if (!s->is_list || !*text) {
		free(*value);
		*value = NULL;
		*len = 0;
	}
	if (*text && (!*value || append(value, len, "\n")))
		append(value, len, text);
}

static void take(struct unit_settings *settings, char *line)
{
	char *equals = strchr(line, '=');

	if (!equals)
		return;
	*equals = '\0';
	line = strip(line);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i].name, line))
			set(settings, &names[i], strip(equals + 1));
}

static bool is_comment(const char *line)
{
	line += strspn(line, SPACE);
	return *line == '#' || *line == ';';
}

/*
 * Reads a line, with the lines that a backslash at its end adds. Comments among these
 * are left out. Returns whether there was one.
 */
static bool read_line(FILE *in, char **line, size_t *left)
{
	char *part = NULL;
	size_t size = 0, len = 0;
	ssize_t n;
	bool goes_on = true;

	*line = NULL;
	while (goes_on && *left && (n = getline(&part, &size, in)) >= 0) {
		*left -= (size_t)n < *left ? (size_t)n : *left;
		if (*line && is_comment(part))
			continue;
		part[strcspn(part, "\n")] = '\0';
		n = strlen(part);
		goes_on = n && part[n - 1] == '\\' && !is_comment(part);
		if (goes_on)
			part[n - 1] = ' ';
		if (!append(line, &len, part))
			break;
	}
	free(part);
	return *line;
}

void unitfile_read(struct unit_settings *settings, FILE *in)
{
	bool is_service = false;
	size_t left = FILE_MAX;
	char *line, *text;

	while (read_line(in, &line, &left)) {
		text = strip(line);
		if (*text == '[')
			is_service = !strcmp(text, "[Service]");
		else if (is_service && *text && !is_comment(text))
			take(settings, text);
		free(line);
	}
}

void unitfile_free(struct unit_settings *settings)
{
	for (int i = 0; i < UNIT_SETTINGS; i++)
		free(settings->values[i]);
	*settings = (struct unit_settings){ 0 };
}

/* ---- words ---------------------------------------------------------------- */

/* Reads the digits of a byte at *from. Returns -1 if there is none. */
static int number(const char **from, int base, int max)
{
	char digits[4] = "", *end = digits;
	long n = -1;

	strncat(digits, *from, max);
	if (isalnum((unsigned char)*digits))
		n = strtol(digits, &end, base);
	if (end != digits + max || n <= 0 || n > 255)
		return -1;
	*from += max;
	return n;
}

/* Undoes the escape behind a backslash. An unknown one stays as it is. */
static char unescape(const char **from)
{
	static const char letters[] = "abfnrtvs\\\"'",
			  are[] = "\a\b\f\n\r\t\v \\\"'";
	const char *at = strchr(letters, **from), *rest = *from + 1;
	int n;

	if (**from && at) {
		(*from)++;
		return are[at - letters];
	}
	n = **from == 'x' ? number(&rest, 16, 2) : -1;
	if (n < 0) {
		rest = *from;
		n = number(&rest, 8, 3);
	}
	if (n < 0)
		return '\\';
	*from = rest;
	return n;
}

char *unitfile_word(char **text)
{
	const char *from = *text + strspn(*text, SPACE);
	char *word = *text, *to = word, quote = '\0';

	if (!*from)
		return NULL;
	for (; *from && (quote || !strchr(SPACE, *from));) {
		if (*from == '\\') {
			from++;
			*to++ = unescape(&from);
		} else if (quote ? *from == quote
				 : *from == '"' || *from == '\'') {
			quote = quote ? '\0' : *from;
			from++;
		} else {
			*to++ = *from++;
		}
	}
	*text = (char *)from + (*from != '\0');
	*to = '\0';
	return word;
}

char *unitfile_variable(const struct unit_settings *settings, const char *name)
{
	const char *all = settings->values[UNIT_ENVIRONMENT];
	char *copy = all ? strdup(all) : NULL, *rest = copy, *word;
	char *value = NULL;
	size_t len = strlen(name);

	while (copy && (word = unitfile_word(&rest))) {
		if (strncmp(word, name, len) || word[len] != '=')
			continue;
		free(value);
		value = strdup(word + len + 1);
	}
	free(copy);
	return value;
}

char *unitfile_plain(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		from += from[0] == '%' && from[1] == '%';
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

void unitfile_quote(FILE *out, const char *text, bool has_specifiers)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		if (*text == '%' && !has_specifiers)
			putc('%', out);
		putc(*text, out);
	}
}
