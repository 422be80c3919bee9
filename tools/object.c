// SPDX-License-Identifier: MIT
/*
 * object.c - reads objects of the library in another process's memory. The
 * library exports where their fields are.
 */
#include <string.h>

#include "object.h"

bool object_read(const struct target *t, const struct cop_export *x,
		 enum cop_export_object what, uint64_t addr, struct object *o)
{
	return target_peek(t, addr, o->bytes, x->object[what]);
}

static uint64_t number(const void *from, unsigned int size)
{
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	switch (size) {
	case 1:
		return *(const uint8_t *)from;
	case 2:
		memcpy(&u16, from, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, from, sizeof(u32));
		return u32;
	case 8:
		memcpy(&u64, from, sizeof(u64));
	}
	return u64;
}

uint64_t object_value(const struct cop_export *x, enum cop_export_name name,
		      const struct object *o)
{
	const struct cop_export_field *f = &x->field[name];

	return number(o->bytes + f->offset, f->size);
}

struct cop_endpoint object_endpoint(const struct cop_export *x,
				    enum cop_export_name name,
				    const struct object *o)
{
	const uint64_t half[2] = { object_value(x, name, o),
				   object_value(x, name + 1, o) };
	struct cop_endpoint end = { .scope = object_value(x, name + 2, o),
				    .port = object_value(x, name + 3, o) };

	memcpy(&end.addr, half, sizeof(half));
	return end;
}

bool object_peek(const struct target *t, const struct cop_export *x,
		 enum cop_export_name name, uint64_t addr, uint64_t *value)
{
	const struct cop_export_field *f = &x->field[name];
	uint64_t raw;

	if (!target_peek(t, addr + f->offset, &raw, f->size))
		return false;
	*value = number(&raw, f->size);
	return true;
}
