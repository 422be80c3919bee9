/* SPDX-License-Identifier: MIT */
/*
 * version.h - the version of libcop and of its launcher. The version of the
 * protocol is COP_VERSION in cop.h.
 */
#ifndef COP_VERSION_H
#define COP_VERSION_H

#define COP_LIB_VERSION "0.6.0"

#endif /* COP_VERSION_H */
