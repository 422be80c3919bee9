// SPDX-License-Identifier: MIT
/*
 * inet/carried.c - which transport carries adopted sockets: the one that COP_TRANSPORT
 * names, by a name or by PROTOCOL/TYPE.
 *
 * Owns: nothing. Protected by: runs while the library starts.
 * Counterpart in the kernel: tcp_set_ulp(), by which a program names what its TCP
 * sockets are carried by.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adopt/carrier.h"
#include "cop.h"
#include "inet/af_inet.h"
#include "inet/carried.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "lib/compiler.h"
#include "lib/env.h"

/* An entry for protocol 0 takes any, and a mark needs one. */
#define ANY_PROTOCOL IPPROTO_RAW

static bool has_name(const struct inet_protosw *p, const char *name)
{
	const struct module *owner = p->prot->owner;

	return !(p->flags & INET_PROTOSW_ADOPTED) &&
	       (!strcasecmp(p->prot->name, name) ||
		(owner && !strcasecmp(owner->name, name)));
}

static struct inet_protosw *find_named(const char *name)
{
	for (int type = 0; type < SOCK_MAX; type++)
		for (struct inet_protosw *p = inet_first_protosw(type); p;
		     p = p->next)
			if (has_name(p, name))
				return p;
	return NULL;
}

/* A name that can be a file's, and leads to no other directory. */
static bool is_module_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return *name && *name != '.';
}

static int is_file_of_type(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && !strncmp(entry->d_name, "net-pf-", 7) &&
	       !strcmp(entry->d_name + len - 3, ".so");
}

/* In the order of their names, so that each start finds the same one. */
static bool search_directory(const char *dir, const char *name)
{
	struct dirent **entry;
	char path[PATH_MAX];
	bool found = false;
	int n = scandir(dir, &entry, is_file_of_type, alphasort);

	for (int i = 0; i < n; i++) {
		if (!found && snprintf(path, sizeof(path), "%s/%s", dir,
				       entry[i]->d_name) < PATH_MAX)
			found = request_if_named(path, name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return found;
}

static void search_directories(const char *name)
{
	char dir[PATH_MAX];
	size_t len;

	for (const char *at = request_dirs(); *at; at += len + !!at[len]) {
		len = strcspn(at, ":");
		snprintf(dir, sizeof(dir), "%.*s", (int)len, at);
		if (search_directory(dir, name))
			return;
	}
	search_directory(request_libdir(), name);
}

/* NAME.so is asked for first, as modprobe does; else the module says its name. */
static struct inet_protosw *request_by_name(const char *name)
{
	struct inet_protosw *p;

	request_module("%s", name);
	p = find_named(name);
	if (p)
		return p;
	search_directories(name);
	return find_named(name);
}

static struct inet_protosw *find_by_name(const char *name, const char **why)
{
	struct inet_protosw *p = find_named(name);
	const char *obstacle = request_obstacle();

	if (p)
		return p;
	*why = "there is no transport of this name";
	if (obstacle)
		*why = obstacle;
	else if (is_module_name(name))
		p = request_by_name(name);
	return p;
}

/* Reads PROTOCOL/TYPE. Returns whether the text has this form. */
static bool read_numbers(const char *text, unsigned long *protocol,
			 unsigned long *type)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*protocol = strtoul(text, &end, 10);
	if (*end != '/' || !isdigit((unsigned char)end[1]))
		return false;
	*type = strtoul(end + 1, &end, 10);
	return !*end;
}

/* A module serves both families, but may have a file for one only. */
static struct inet_protosw *find_by_number(unsigned long protocol,
					   unsigned long type, const char **why)
{
	static const int families[] = { PF_INET, PF_INET6 };
	struct inet_protosw *p = NULL;

	*why = "no transport can have these numbers";
	if (!protocol || protocol >= IPPROTO_MAX || type >= SOCK_MAX)
		return NULL;
	*why = request_obstacle() ?: "there is no transport of these numbers";
	for (size_t i = 0; i < ARRAY_SIZE(families) && !p; i++) {
		int number = protocol;

		p = inet_find_protosw(families[i], type, &number);
	}
	return p && p->flags & INET_PROTOSW_ADOPTED ? NULL : p;
}

static struct inet_protosw *find(const char *name, int *protocol,
				 const char **why)
{
	unsigned long number, type;
	struct inet_protosw *p;

	if (read_numbers(name, &number, &type)) {
		p = find_by_number(number, type, why);
		*protocol = number;
	} else {
		p = find_by_name(name, why);
		*protocol = p ? p->protocol ?: ANY_PROTOCOL : 0;
	}
	return p;
}

static const struct cop_carrier *carrier_of(const struct inet_protosw *p,
					    int protocol)
{
	if (p->type == SOCK_COP && protocol == IPPROTO_COP)
		return &cop_carriers[0];
	return cop_carrier_get(p->type, protocol, p->prot);
}

static void carry_by(const char *name)
{
	const struct cop_carrier *c = NULL;
	struct inet_protosw *p;
	const char *why;
	int protocol;

	p = find(name, &protocol, &why);
	if (p) {
		c = carrier_of(p, protocol);
		why = "there are too many transports";
	}
	if (!c)
		cop_warn(-1,
			 "transport %s can't carry UDP, so socket() fails: %s",
			 name, why);
	inet_adopt_on(c, p ? p->capability : 0);
}

void inet_carry_init(void)
{
	if (likely(!cop_env.adopt))
		return;
	if (cop_env.transport[0])
		carry_by(cop_env.transport);
	else
		inet_adopt_on(&cop_carriers[0], 0);
}
