/* SPDX-License-Identifier: MIT */
/*
 * long.h - the calls that can't take the short way, and what comes behind it where it
 * fails.
 */
#ifndef COP_LONG_H
#define COP_LONG_H

#include <sys/socket.h>

struct socket;

/**
 * sendto_long, sendmsg_long, write_long, recvfrom_long, recvmsg_long, read_long - the whole call
 *
 * For every descriptor; arguments, result and errno are those of the call.
 */
ssize_t sendto_long(int fd, const void *buf, size_t len, int flags,
		    const struct sockaddr *addr, socklen_t alen);
ssize_t sendmsg_long(int fd, const struct msghdr *msg, int flags);
ssize_t write_long(int fd, const void *buf, size_t len);
ssize_t recvfrom_long(int fd, void *buf, size_t len, int flags,
		      struct sockaddr *addr, socklen_t *alen);
ssize_t recvmsg_long(int fd, struct msghdr *msg, int flags);
ssize_t read_long(int fd, void *buf, size_t len);

/* recvfrom_long() for what is more than a receive into much room. */
ssize_t recvfrom_any(int fd, void *buf, size_t len, int flags,
		     struct sockaddr *addr, socklen_t *alen);

/*
 * sendmsg() and recvmsg() on a descriptor that is not COP's: the message may carry one
 * that is.
 */
ssize_t sendmsg_foreign(int fd, const struct msghdr *msg, int flags);
ssize_t recvmsg_foreign(int fd, struct msghdr *msg, int flags);

/* As AGAIN(): makes a call of the above again. */
#define AGAIN_LONG(call) (cop_process_is_owner() ? call##_long : cop_libc.call)

/**
 * sendto_failed, sendmsg_failed, write_failed - a send has failed
 * @fd: the descriptor
 * @err: -errno
 * @saved: errno before the call
 *
 * The others are the arguments of the call, which is made again if the descriptor is not
 * COP's any more. Return what the program gets.
 */
ssize_t sendto_failed(int fd, ssize_t err, int saved, const void *buf,
		      size_t len, int flags, const struct sockaddr *addr,
		      socklen_t alen);
ssize_t sendmsg_failed(int fd, ssize_t err, int saved, const struct msghdr *msg,
		       int flags);
ssize_t write_failed(int fd, ssize_t err, int saved, const void *buf,
		     size_t len);

/**
 * recvfrom_end, recvmsg_end, read_end - a receive has failed, or met another socket's datagram
 * @ret: -errno, or a length that may have COP_RX_STALE
 * @sock: the socket that was received from
 * @msg: of a message: our copy, behind the receive
 * @room: of a message: msg_namelen before it
 *
 * The others as for sendto_failed().
 */
ssize_t recvfrom_end(int fd, ssize_t ret, int saved, void *buf, size_t len,
		     int flags, struct sockaddr *addr, socklen_t *alen,
		     struct socket *sock);
ssize_t recvmsg_end(int fd, ssize_t ret, int saved, struct msghdr *umsg,
		    const struct msghdr *msg, socklen_t room, int flags,
		    struct socket *sock);
ssize_t read_end(int fd, ssize_t ret, int saved, void *buf, size_t len,
		 struct socket *sock);

#endif /* COP_LONG_H */
