/* SPDX-License-Identifier: MIT */
/*
 * dlerror.h - the message that the program's next dlerror() returns.
 */
#ifndef COP_LIB_DLERROR_H
#define COP_LIB_DLERROR_H

struct cop_dlerror {
	void **at;    /* libc's variable; NULL: this libc has none */
	void *result; /* the program's message, as libc keeps it */
};

/**
 * cop_dlerror_init - find libc's variable
 *
 * Once, when the library starts: to look a symbol up is itself a call that replaces the
 * message.
 */
void cop_dlerror_init(void);

/**
 * cop_dlerror_hide - put the program's message aside
 * @keep: for cop_dlerror_show()
 *
 * From here on to cop_dlerror_show() the library may call dlopen(), dlsym(), dlclose()
 * and dlerror(). The caller stays in its thread, with signals blocked.
 */
void cop_dlerror_hide(struct cop_dlerror *keep);

/**
 * cop_dlerror_show - drop the library's own message, and put the program's back
 * @keep: from cop_dlerror_hide()
 *
 * Where libc has no such variable (before glibc 2.34) the program's message is lost.
 */
void cop_dlerror_show(const struct cop_dlerror *keep);

#endif /* COP_LIB_DLERROR_H */
