/* SPDX-License-Identifier: MIT */
/*
 * reports.h - for targets that put something else in the place of stderr: the sanitizers
 * still report to what stderr was.
 */
#ifndef COP_FUZZ_REPORTS_H
#define COP_FUZZ_REPORTS_H

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include "fuzz/input.h"

static inline void keep_reports(void)
{
	static int reports = -1;

	if (reports >= 0)
		return;
	reports = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	HOLDS(reports >= 0);
	__sanitizer_set_report_fd((void *)(intptr_t)reports);
}

#endif /* COP_FUZZ_REPORTS_H */
