/* SPDX-License-Identifier: MIT */
/*
 * transport.h - the types of the public cop_transport.h, for the library's own files.
 * They call the library's functions by name, so they leave out the functions by which
 * a module calls them.
 */
#ifndef COP_LIB_TRANSPORT_H
#define COP_LIB_TRANSPORT_H

#define COP_TRANSPORT_TYPES
#include "cop_transport.h"

#endif /* COP_LIB_TRANSPORT_H */
