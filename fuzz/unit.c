// SPDX-License-Identifier: MIT
/*
 * unit.c - cop enable reads the files of a service of systemd: whatever they have, a value
 * that cop writes is what it reads again, and names lead to no other directory.
 */
#include "fuzz/input.h"
#include "tools/unit.h"
#include "tools/unitfile.h"

static void check_words(const struct unit_settings *settings)
{
	for (int i = 0; i < UNIT_SETTINGS; i++) {
		char *copy = settings->values[i] ? strdup(settings->values[i])
						 : NULL;
		char *rest = copy, *word;
		size_t len = copy ? strlen(copy) : 0;

		while (copy && (word = unitfile_word(&rest))) {
			HOLDS(strlen(word) <= len);
			HOLDS(rest > word && rest <= copy + len);
		}
		free(copy);
	}
}

/* What is quoted is one word, and reads as it was. */
static void check_quote(const char *text)
{
	struct unit_settings settings = { 0 };
	char *quoted, *value;
	size_t size;
	FILE *out = open_memstream(&quoted, &size), *in;

	if (strpbrk(text, "\r\n"))
		text = "";
	fputs("[Service]\nEnvironment=\"A=", out);
	unitfile_quote(out, text, false);
	fputs("\"\n", out);
	fclose(out);
	in = fmemopen(quoted, size, "r");
	unitfile_read(&settings, in);
	fclose(in);
	value = unitfile_variable(&settings, "A");
	HOLDS(value && !strcmp(unitfile_plain(value), text));
	free(value);
	free(quoted);
	unitfile_free(&settings);
}

static void check_name(const char *name)
{
	struct unit unit = { .name = "" };

	if (unit_set_name(&unit, name))
		return;
	HOLDS(*unit.name && strlen(unit.name) < UNIT_NAME_SIZE);
	HOLDS(!strchr(unit.name, '/'));
	HOLDS(!strcmp(unit.name + strlen(unit.name) - 8, ".service"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unit_settings settings = { 0 };
	struct input in = { data, size };
	char *name = input_line(&in), *text = input_line(&in);
	FILE *file = in.left ? fmemopen((void *)in.at, in.left, "r") : NULL;

	check_name(name);
	check_quote(text);
	if (file) {
		unitfile_read(&settings, file);
		fclose(file);
	}
	check_words(&settings);
	free(unitfile_variable(&settings, "LD_PRELOAD"));
	unitfile_free(&settings);
	free(name);
	free(text);
	return 0;
}
