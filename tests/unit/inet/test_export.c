// SPDX-License-Identifier: MIT
/*
 * test_export.c - what is said to other processes of where things are is so.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "adopt/udp.h"
#include "inet/export.h"
#include "flow/table.h"
#include "datagram/proto.h"
#include "cop_table.h"

extern const struct cop_export libcop_export;

static const struct cop_export *x = &libcop_export;

static uint64_t at(const void *object, enum cop_export_name name)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)object + x->field[name].offset,
	       x->field[name].size);
	return value;
}

Test(cop_export, every_field_is_in_its_object)
{
	cr_assert_eq(x->fields, COP_FIELDS);
	for (int i = 0; i < COP_FIELDS; i++) {
		const struct cop_export_field *f = &x->field[i];

		cr_expect(f->size == 1 || f->size == 2 || f->size == 4 ||
				  f->size == 8,
			  "field %d has %u bytes", i, f->size);
		cr_assert_lt(f->object, COP_OBJECTS);
		cr_expect_leq(f->offset + f->size, x->object[f->object],
			      "field %d", i);
	}
	for (int i = 0; i < COP_OBJECTS; i++)
		cr_expect_leq(x->object[i], COP_OBJECT_MAX, "object %d", i);
}

Test(cop_export, no_two_fields_are_in_one_place)
{
	for (int i = 0; i < COP_FIELDS; i++)
		for (int j = 0; j < i; j++)
			cr_expect(x->field[i].object != x->field[j].object ||
					  x->field[i].offset !=
						  x->field[j].offset,
				  "fields %d and %d", i, j);
}

/* As a reader does it that knows nothing of our structs. */
Test(cop_export, fields_are_found_by_their_place)
{
	static struct cop_sock csk;
	static struct cop_flow flow;

	csk.inet.sk.sk_prot = &cop_udp_prot;
	csk.count.rx_bytes = 1ull << 40;
	csk.count.strays[COP_STRAY_VERSION] = 3;
	csk.flows.evicted = 4;
	flow.rx.reordered = 5;
	flow.next = &flow;
	cr_expect_eq(at(&csk, COP_SOCK_RX_BYTES), 1ull << 40);
	cr_expect_eq(at(&csk, COP_SOCK_PROT),
		     (uintptr_t)x->protos[COP_KIND_ADOPTED]);
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		return;
	cr_expect_eq(at(&csk, COP_SOCK_STRAY_VERSION), 3);
	cr_expect_eq(at(&csk, COP_SOCK_EVICTED), 4);
	cr_expect_eq(at(&flow, COP_FLOW_REORDERED), 5);
	cr_expect_eq(at(&flow, COP_FLOW_NEXT), (uintptr_t)&flow);
}
