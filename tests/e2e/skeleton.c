// SPDX-License-Identifier: MIT
/*
 * skeleton.c - transports/skeleton, built in the directory of a test.
 */
#include "skeleton.h"

void make_skeleton(void)
{
	scratch_make();
	scratch_must("cp -r " SKELETON " m && make -s -C m INCLUDEDIR=" ROOT
		     "/include");
}

void make_variant(const char *source, const char *header)
{
	scratch_make();
	scratch_must("cp -r " SKELETON " m && mkdir h && cp " ROOT
		     "/include/*.h h && sed -i '%s' m/skeleton.c && "
		     "sed -i '%s' h/cop_transport.h && "
		     "make -s -C m INCLUDEDIR=../h",
		     source, header);
}
