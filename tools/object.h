/* SPDX-License-Identifier: MIT */
/*
 * object.h - objects of the library in another process's memory.
 */
#ifndef COP_TOOLS_OBJECT_H
#define COP_TOOLS_OBJECT_H

#include "inet/export.h"
#include "target.h"

struct object {
	_Alignas(8) unsigned char bytes[COP_OBJECT_MAX];
};

/**
 * object_read - copy an object
 * @t: the process, after target_mem()
 * @x: its library, from mapped_find()
 * @what: of what kind it is
 * @addr: where, which may be any number
 * @o: where to
 *
 * Returns whether there is memory.
 */
bool object_read(const struct target *t, const struct cop_export *x,
		 enum cop_export_object what, uint64_t addr, struct object *o);

/**
 * object_value - a field of an object
 * @x: the library it is of
 * @name: the field
 * @o: the object
 *
 * Returns its value, 0 where the library has no such field.
 */
uint64_t object_value(const struct cop_export *x, enum cop_export_name name,
		      const struct object *o);

/**
 * object_peek - one field of an object that is not copied
 * @t: as for object_read()
 * @x: likewise
 * @name: the field
 * @addr: where the object is
 * @value: what it has
 *
 * Returns whether there is memory.
 */
bool object_peek(const struct target *t, const struct cop_export *x,
		 enum cop_export_name name, uint64_t addr, uint64_t *value);

#endif /* COP_TOOLS_OBJECT_H */
