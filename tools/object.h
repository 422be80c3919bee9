/* SPDX-License-Identifier: MIT */
/*
 * object.h - reads objects of the library in another process's memory.
 */
#ifndef COP_TOOLS_OBJECT_H
#define COP_TOOLS_OBJECT_H

#include "inet/export.h"
#include "lib/endpoint.h"
#include "target.h"

struct object {
	_Alignas(8) unsigned char bytes[COP_OBJECT_MAX];
};

/**
 * object_read - copy an object
 * @t: the process, after target_mem()
 * @x: its library, from mapped_find()
 * @what: its kind
 * @addr: its address; may be any number
 * @o: the copy
 *
 * Returns whether there is readable memory at @addr.
 */
bool object_read(const struct target *t, const struct cop_export *x,
		 enum cop_export_object what, uint64_t addr, struct object *o);

/**
 * object_value - get a field of an object
 * @x: its library
 * @name: the field
 * @o: a copy of the object
 *
 * Returns the field's value, 0 if the library has no such field.
 */
uint64_t object_value(const struct cop_export *x, enum cop_export_name name,
		      const struct object *o);

/**
 * object_endpoint - get an address and a port of an object
 * @x: its library
 * @name: the first of the four fields, see enum cop_export_name
 * @o: a copy of the object
 */
struct cop_endpoint object_endpoint(const struct cop_export *x,
				    enum cop_export_name name,
				    const struct object *o);

/**
 * object_peek - read one field of an object
 * @t: the process, after target_mem()
 * @x: its library, from mapped_find()
 * @name: the field
 * @addr: the object's address; may be any number
 * @value: set to the field's value
 *
 * Returns whether there is readable memory at @addr.
 */
bool object_peek(const struct target *t, const struct cop_export *x,
		 enum cop_export_name name, uint64_t addr, uint64_t *value);

#endif /* COP_TOOLS_OBJECT_H */
