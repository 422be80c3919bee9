/* SPDX-License-Identifier: MIT */
/*
 * encap.h - COP datagrams in UDP datagrams: what the rooms above use of wire/.
 */
#ifndef COP_ENCAP_H
#define COP_ENCAP_H

#include "wire/error_queue.h"
#include "wire/hdr.h"
#include "wire/payload.h"
#include "wire/recv.h"
#include "wire/send.h"

#endif /* COP_ENCAP_H */
