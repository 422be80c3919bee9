// SPDX-License-Identifier: MIT
/*
 * stdio.c - streams on a socket: what one sends is seen by recv() at the other
 * end, what one reads was sent by send().
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <sys/wait.h>
#include <wchar.h>

#include "prog.h"

int __dprintf_chk(int fd, int flag, const char *fmt, ...);
int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap);

static FILE *stream;

/* Each datagram that is there: its length, and how it begins and ends. */
static void show_datagrams(int fd)
{
	static char in[65536];
	ssize_t n;

	while ((n = recv(fd, in, sizeof(in) - 1, MSG_DONTWAIT)) >= 0) {
		in[n] = '\0';
		for (char *nl = in; (nl = strchr(nl, '\n'));)
			*nl = '|';
		printf("  datagram of %zd: %.20s ... %s\n", n, in,
		       n > 20 ? in + n - 10 : "");
	}
	printf("  then %s\n", strerrorname_np(errno));
}

static void show_state(void)
{
	printf("  error %d, end %d, pending %zu\n", ferror(stream) != 0,
	       feof(stream) != 0, __fpending(stream));
}

static void open_stream(int fd, const char *mode)
{
	stream = fdopen(fd, mode);
	if (!stream)
		die("fdopen");
}

/* A writes to a stream, what it sends is to be received by B. */
static void writer(const char *mode)
{
	connect_pair();
	open_stream(sock_a, mode);
}

/* What A sends is to be read by B's stream. */
static void reader(const char *mode)
{
	connect_pair();
	open_stream(sock_b, mode);
}

static void text(const char *words)
{
	if (send(sock_a, words, strlen(words), 0) < 0)
		die("send");
}

/* ---- opening ------------------------------------------------------------ */

static void show_stream(int fd)
{
	FILE *fp = stream;

	printf("  number %s, reads %d, writes %d, line by line %d, append %d\n",
	       fileno(fp) == fd ? "the same" : "other", __freadable(fp) != 0,
	       __fwritable(fp) != 0, __flbf(fp) != 0,
	       (fcntl(fd, F_GETFL) & O_APPEND) != 0);
}

static void modes(void)
{
	static const char *const mode[] = {
		"r",  "w",   "a",   "r+",  "w+", "a+", "rb", "wb", "r+b", "rb+",
		"we", "r+x", "rmb", "rw+", "",	 "x",  "R",  "+r", " r",  "b",
	};

	make_pair();
	for (size_t i = 0; i < ARRAY_SIZE(mode); i++) {
		int fd = dup(sock_a);

		printf("mode \"%s\"\n", mode[i]);
		stream = fdopen(fd, mode[i]);
		if (!stream) {
			printf("  %s\n", strerrorname_np(errno));
			T(close(fd));
			continue;
		}
		show_stream(fd);
		T(fclose(stream));
		T(fcntl(fd, F_GETFD));
		fcntl(sock_a, F_SETFL, 0);
	}
}

static void no_descriptor(void)
{
	static const char *const mode[] = { "r", "w", "x" };

	make_pair();
	close(sock_b);
	for (size_t i = 0; i < ARRAY_SIZE(mode); i++) {
		T(fdopen(sock_b, mode[i]) ? 0 : -1);
		T(fdopen(-1, mode[i]) ? 0 : -1);
		T(fdopen(1000000, mode[i]) ? 0 : -1);
	}
}

static void closed(void)
{
	int file;

	writer("w");
	T(fputs("last words", stream) < 0);
	T(fclose(stream));
	show_datagrams(sock_b);
	T(send(sock_a, "x", 1, 0));
	file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	printf("number %s\n", file == sock_a ? "reused" : "new");
	T(write(file, "data whole", 10));
	T(lseek(file, 0, SEEK_SET));
	R(read(file, buf, 24));
	sock_a = sock();
	T(bind(sock_a, SA(&addr_a), sizeof(addr_a)));
}

static void closed_before(void)
{
	writer("w");
	T(close(sock_a));
	T(fclose(stream));
	reader("r");
	T(close(sock_b));
	T(fgetc(stream));
	show_state();
	T(fclose(stream));
	writer("w");
	T(fputs("lost", stream) < 0);
	T(close(sock_a));
	T(fclose(stream));
	show_datagrams(sock_b);
}

/* ---- writing ------------------------------------------------------------ */

static void printed(void)
{
	writer("w");
	T(fprintf(stream, "%s, %d\n", "words", 42));
	show_datagrams(sock_b);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(fflush(stream));
	T(fputs("one, ", stream) < 0);
	T(fputc('2', stream));
	T(fwrite(", three", 1, 7, stream));
	T(fileno(stream) == sock_a);
	show_state();
	T(fflush(NULL));
	show_datagrams(sock_b);
	T(fputs("left", stream) < 0);
	T(fclose(stream));
	show_datagrams(sock_b);
}

static void long_ones(void)
{
	static const size_t size[] = { 4095, 4096, 4097,  8191,
				       8192, 8193, 10000, 60000 };
	static char out[65536];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = 'a' + i % 26;
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		printf("%zu bytes\n", size[i]);
		writer("w");
		T(fwrite(out, 1, size[i], stream));
		show_datagrams(sock_b);
		T(fwrite(out, 1, size[i], stream));
		show_state();
		T(fflush(stream));
		show_datagrams(sock_b);
		T(fprintf(stream, "%.*s", (int)size[i], out));
		T(fflush(stream));
		show_datagrams(sock_b);
		for (size_t k = 0; k < size[i]; k++)
			putc(out[k], stream);
		T(fclose(stream));
		show_datagrams(sock_b);
		close(sock_b);
	}
}

static void line_by_line(void)
{
	writer("w");
	T(setvbuf(stream, NULL, _IOLBF, 0));
	T(fputs("no line", stream) < 0);
	show_datagrams(sock_b);
	T(fputs(", but now\n", stream) < 0);
	show_datagrams(sock_b);
	T(fprintf(stream, "one\ntwo\nand a half"));
	show_datagrams(sock_b);
	T(fputc('\n', stream));
	show_datagrams(sock_b);
	T(fwrite("x\ny\n", 1, 4, stream));
	show_datagrams(sock_b);
}

static void unbuffered(void)
{
	writer("w");
	T(setvbuf(stream, NULL, _IONBF, 0));
	T(fputs("words", stream) < 0);
	T(fprintf(stream, "%s %d %s\n", "more", 2, "words"));
	T(fputc('c', stream));
	T(fwrite("ab", 1, 2, stream));
	show_datagrams(sock_b);
	T(setvbuf(stream, NULL, _IOFBF, 0));
	T(fputs("words", stream) < 0);
	T(fflush(stream));
	show_datagrams(sock_b);
}

static void own_buffer(void)
{
	static char small[100], large[65536];

	writer("w");
	T(setvbuf(stream, small, _IOFBF, sizeof(small)));
	for (int i = 0; i < 50; i++)
		fprintf(stream, "%05d", i);
	show_datagrams(sock_b);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(setvbuf(stream, large, _IOFBF, sizeof(large)));
	for (int i = 0; i < 10000; i++)
		fprintf(stream, "%05d", i);
	show_datagrams(sock_b);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(fputs("left", stream) < 0);
	T(fclose(stream));
	show_datagrams(sock_b);
}

static void refused(void)
{
	static char large[70000];

	writer("w");
	T(close(sock_b));
	T(fputs("nobody", stream) < 0);
	T(fflush(stream));
	show_state();
	T(fputs("there", stream) < 0);
	T(fflush(stream));
	show_state();
	T(fflush(stream));
	show_state();
	clearerr(stream);
	T(fputs("again", stream) < 0);
	T(fclose(stream));

	make_pair();
	open_stream(sock_a, "w");
	T(fputs("where to", stream) < 0);
	T(fflush(stream));
	show_state();
	connect_to(sock_a, &addr_b);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(fwrite(large, 1, sizeof(large), stream));
	show_state();
	T(fflush(stream));
	show_datagrams(sock_b);
	T(fgetc(stream));
	show_state();
	T(fclose(stream));
}

static void refused_in_fclose(void)
{
	writer("w");
	T(close(sock_b));
	T(send(sock_a, "x", 1, 0));
	T(fputs("nobody", stream) < 0);
	T(fclose(stream));
	T(fcntl(sock_a, F_GETFD));
	T(sock() == sock_a);
}

static void at_exit(void)
{
	int status;

	connect_pair();
	fflush(stdout);
	if (!fork()) {
		open_stream(sock_a, "w");
		fputs("unsaid until the end", stream);
		exit(0);
	}
	T(wait(&status) > 0);
	T(status);
	show_datagrams(sock_b);
}

/* What was buffered is sent by the child as well. */
static void forked(void)
{
	writer("w");
	T(fputs("twice", stream) < 0);
	fflush(stdout);
	if (!fork())
		_exit(fclose(stream) ? 1 : 0);
	T(wait(NULL) > 0);
	show_datagrams(sock_b);
	T(fclose(stream));
	show_datagrams(sock_b);
}

/* ---- reading ------------------------------------------------------------ */

static void line(void)
{
	fresh();
	T(fgets(buf, sizeof(buf), stream) ? 0 : -1);
	printf("  line %s", strchr(buf, '\n') ? buf : "none\n");
}

static void lines(void)
{
	char *got = NULL;
	size_t size = 0;

	reader("r");
	text("one\ntwo\nthree, in ");
	text("two\n");
	text("four\n");
	for (int i = 0; i < 4; i++)
		line();
	text("five\nsix\n");
	T(getline(&got, &size, stream));
	T(getdelim(&got, &size, 'x', stream));
	T(fgetc(stream));
	T(fcntl(sock_b, F_SETFL, O_NONBLOCK));
	T(getline(&got, &size, stream));
	show_state();
	free(got);
	T(fclose(stream));
}

static void characters(void)
{
	int n = 0;

	reader("r");
	text("abc 17 rest");
	T(fgetc(stream));
	T(ungetc('z', stream));
	T(ungetc('y', stream));
	T(fgetc(stream));
	T(fgetc(stream));
	T(getc(stream));
	T(fscanf(stream, "c %d", &n));
	T(n);
	T(ungetc('!', stream));
	text(" and more\n");
	line();
}

static void blocks(void)
{
	static char in[65536], out[60000];

	memset(out, 'x', sizeof(out));
	reader("r");
	for (int i = 0; i < 5; i++)
		text("ten bytes.");
	fresh();
	T(fread(buf, 1, 10, stream));
	T(fread(buf, 10, 2, stream));
	T(fread(buf, 7, 2, stream));
	show_buf();
	T(fcntl(sock_b, F_SETFL, O_NONBLOCK));
	T(fread(buf, 1, 60, stream));
	show_state();
	clearerr(stream);
	T(send(sock_a, out, 6000, 0));
	T(fread(in, 1, 8192, stream));
	show_state();
	T(send(sock_a, out, 60000, 0));
	text("ten bytes.");
	T(fread(in, 1, sizeof(in), stream));
	T(memcmp(in, out, sizeof(out)));
	T(fread(in, 0, 7, stream));
	T(fread(in, 7, 0, stream));
	setvbuf(stream, NULL, _IONBF, 0);
	text("unbuffered");
	T(fread(in, 1, 100, stream));
	show_state();
}

static void end(void)
{
	reader("r");
	text("");
	T(fgetc(stream));
	show_state();
	text("not yet\n");
	T(fgetc(stream));
	clearerr(stream);
	line();
	T(shutdown(sock_b, SHUT_RD));
	T(fgetc(stream));
	show_state();
	T(fclose(stream));
}

static void nothing_there(void)
{
	reader("r");
	T(fcntl(sock_b, F_SETFL, O_NONBLOCK));
	T(fgetc(stream));
	show_state();
	text("here\n");
	line();
	show_state();
	clearerr(stream);
	line();
	show_state();
	T(fputc('x', stream));
	show_state();
}

static void refused_reading(void)
{
	reader("r+");
	T(close(sock_a));
	T(send(sock_b, "x", 1, 0));
	T(fgetc(stream));
	show_state();
	T(fclose(stream));
}

static void both_ways(void)
{
	reader("r+");
	text("question\n");
	line();
	T(fputs("answer\n", stream) < 0);
	T(fflush(stream));
	show_datagrams(sock_a);
	text("another\nand more");
	line();
	T(fputs("too early\n", stream) < 0);
	T(fflush(stream));
	show_state();
	show_datagrams(sock_a);
	T(fclose(stream));
}

/* What was written goes out before the stream waits. */
static void switched(void)
{
	reader("w+");
	T(fputs("unflushed", stream) < 0);
	text("answer\n");
	line();
	show_datagrams(sock_a);
}

static void sought(void)
{
	fpos_t pos;

	for (int i = 0; i < 2; i++) {
		reader(i ? "r" : "a");
		if (i) {
			text("some words\n");
			T(fgetc(stream));
		} else {
			T(fputs("some words", stream) < 0);
		}
		T(ftell(stream));
		T(fseek(stream, 0, SEEK_SET));
		T(fseek(stream, 2, SEEK_CUR));
		T(fseeko(stream, 0, SEEK_END));
		T(fseek(stream, 0, 17));
		T(fgetpos(stream, &pos));
		errno = 0;
		rewind(stream);
		printf("rewind %s\n", strerrorname_np(errno));
		show_state();
		if (i)
			T(fgetc(stream));
		show_datagrams(sock_a);
		T(fclose(stream));
	}
}

/* ---- of datagrams that UDP's streams cut -------------------------------- */

static void whole_lines(void)
{
	static char out[20000], in[32768];

	memset(out, 'x', sizeof(out));
	out[sizeof(out) - 1] = '\n';
	reader("r");
	T(send(sock_a, out, sizeof(out), 0));
	text("next\n");
	T(fgets(in, sizeof(in), stream) ? 0 : -1);
	T(memcmp(in, out, sizeof(out)) || in[sizeof(out)]);
	line();
	T(setvbuf(stream, NULL, _IONBF, 0));
	text("unbuffered\n");
	line();
	text("unread");
	T(fgetc(stream));
	T(fclose(stream));
}

static void whole_blocks(void)
{
	static char out[65491], in[65536];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + (i >> 8);
	reader("r");
	T(send(sock_a, out, sizeof(out), 0));
	T(fread(in, 1, 5000, stream));
	T(fread(in + 5000, 1, sizeof(out) - 5000, stream));
	T(memcmp(in, out, sizeof(out)));
	T(fcntl(sock_b, F_SETFL, O_NONBLOCK));
	T(fread(in, 1, 1, stream));
	T(fclose(stream));
}

static void wide(void)
{
	writer("w");
	T(fwide(stream, 1));
	T(fputws(L"wide", stream));
	T(fputs("narrow", stream) < 0);
	T(fclose(stream));
	show_datagrams(sock_b);
}

/* A stream of bytes, which UDP's is as soon as one was read. */
static void wide_reading(void)
{
	wchar_t in[20];

	reader("r+");
	text("bytes\n");
	T(fgetc(stream));
	T(fwide(stream, 1) < 0);
	T(fgetwc(stream) == WEOF);
	T(fgetws(in, ARRAY_SIZE(in), stream) ? 0 : -1);
	T(fwscanf(stream, L"%lc", in));
	T(ungetwc(L'w', stream) == WEOF);
	T(fputwc(L'w', stream) == WEOF);
	T(fwprintf(stream, L"w"));
	line();
	show_state();
	T(fclose(stream));
	show_datagrams(sock_a);
}

/* ---- several ------------------------------------------------------------ */

static void many(void)
{
	static FILE *all[100];

	connect_pair();
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < 100; i++) {
			all[i] = fdopen(dup(sock_a), "w");
			fprintf(all[i], "%d", i);
		}
		for (int i = 0; i < 100; i += k + 1)
			T(fclose(all[i]));
		show_datagrams(sock_b);
		for (int i = 0; i < 100; i++)
			if (i % (k + 1))
				fclose(all[i]);
		show_datagrams(sock_b);
	}
	T(send(sock_a, "still there", 11, 0));
	show_datagrams(sock_b);
}

static void two_on_one(void)
{
	FILE *other;

	connect_pair();
	other = fdopen(sock_a, "r");
	open_stream(sock_a, "w");
	T(fputs("out", stream) < 0);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(send(sock_b, "in\n", 3, 0));
	T(fgetc(other));
	T(fclose(other));
	T(fputs("out", stream) < 0);
	T(fclose(stream));
	show_datagrams(sock_b);
}

static void *close_and_open(void *arg)
{
	for (int i = 0; i < 3000; i++) {
		int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
		char back[10] = "";

		if (write(fd, "ten bytes.", 10) != 10 ||
		    pread(fd, back, 10, 0) != 10 ||
		    memcmp(back, "ten bytes.", 10))
			*(int *)arg += 1;
		close(fd);
	}
	return NULL;
}

/* The numbers that the streams leave are files' at once. */
static void beside_files(void)
{
	pthread_t thread[2];
	int wrong[2] = { 0 };

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, close_and_open, &wrong[i]);
	for (int i = 0; i < 3000; i++) {
		int fd = sock();

		fclose(fdopen(fd, "r+"));
		if (i % 3 == 0)
			fclose(freopen("/dev/null", "w", fdopen(sock(), "w")));
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	T(wrong[0]);
	T(wrong[1]);
}

static void *read_line(void *arg)
{
	(void)arg;
	fgets(buf, sizeof(buf), stream);
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	void *ret;

	reader("r");
	pthread_create(&thread, NULL, read_line, NULL);
	T(pthread_cancel(thread));
	T(pthread_join(thread, &ret));
	T(ret == PTHREAD_CANCELED);
	text("for me\n");
	line();
	T(fclose(stream));
}

static void use_once(int i)
{
	int fd = sock_flags(SOCK_NONBLOCK);

	connect_to(fd, &addr_b);
	open_stream(fd, i % 2 ? "w" : "r+");
	fprintf(stream, "%d", i);
	fflush(stream);
	recv(sock_b, buf, sizeof(buf), 0);
	if (!(i % 2))
		fgetc(stream);
	if (i % 5 == 0 && !freopen("/dev/null", "r+", stream))
		die("freopen");
	if (i % 10 == 0)
		fwide(stream, 1);
	fclose(stream);
}

static void no_leaks(void)
{
	size_t used;
	int fds;

	make_pair();
	for (int i = 0; i < 20; i++)
		use_once(i);
	fds = count_fds();
	used = mallinfo2().uordblks;
	for (int i = 0; i < 1000; i++)
		use_once(i);
	used -= mallinfo2().uordblks;
	fds -= count_fds();
	printf("left: %zu bytes, %d descriptors\n", used, fds);
}

/* ---- freopen ------------------------------------------------------------ */

static void show_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	fresh();
	T(read(fd, buf, sizeof(buf)));
	printf("  in the file: %.24s\n", buf);
	close(fd);
}

static void reopen(const char *path, const char *mode)
{
	int fd = fileno(stream);
	FILE *fp;

	T((fp = freopen(path, mode, stream)) == stream ? 0 : -1);
	if (fp)
		printf("  number %s\n", fileno(fp) == fd ? "kept" : "new");
	else
		T(fcntl(fd, F_GETFD));
}

static void reopened(void)
{
	char path[] = "/tmp/cop-stdio-XXXXXX";

	close(mkstemp(path));
	writer("w");
	T(fputs("for the socket", stream) < 0);
	reopen(path, "w+");
	show_datagrams(sock_b);
	T(fputs("for the file", stream) < 0);
	T(fflush(stream));
	show_file(path);
	T(write(sock_a, ", too", 5));
	show_file(path);
	T(fseek(stream, 4, SEEK_SET));
	T(fgetc(stream));
	T(ftell(stream));
	T(send(sock_a, "x", 1, 0));
	T(bind(sock(), SA(&addr_a), sizeof(addr_a)));
	T(fclose(stream));
	T(fcntl(sock_a, F_GETFD));
	unlink(path);
}

static void reopened_wide(void)
{
	char path[] = "/tmp/cop-stdio-XXXXXX";

	close(mkstemp(path));
	writer("w");
	T(fputs("narrow", stream) < 0);
	reopen(path, "w");
	T(fputws(L"wide", stream) < 0);
	T(fwide(stream, 0) > 0);
	T(fflush(stream));
	show_file(path);
	reopen(path, "rm");
	T(fgetc(stream));
	reopen(path, "r,ccs=UTF-8");
	T(fgetwc(stream));
	T(fclose(stream));
	show_datagrams(sock_b);
	unlink(path);
}

static void reopened_in_vain(void)
{
	writer("w");
	T(fputs("sent, though", stream) < 0);
	reopen("/nonexistent/file", "r");
	show_datagrams(sock_b);
	T(send(sock_a, "x", 1, 0));
	writer("w");
	reopen(NULL, "r");
	writer("r");
	reopen("/dev/null", "?");
	writer("w");
	close(sock_b);
	T(send(sock_a, "x", 1, 0));
	T(fputs("lost", stream) < 0);
	reopen("/dev/null", "r");
	T(fgetc(stream));
	show_state();
	T(fclose(stream));
}

static void reopened_after_refusal(void)
{
	writer("w");
	close(sock_b);
	T(send(sock_a, "x", 1, 0));
	sock_b = sock();
	T(bind(sock_b, SA(&addr_b), sizeof(addr_b)));
	T(fputs("refused", stream) < 0);
	reopen("/dev/null", "w");
	show_datagrams(sock_b);
	T(fclose(stream));
}

static void reopened_closed(void)
{
	writer("w");
	T(close(sock_a));
	reopen("/dev/null", "w");
	T(fputs("nowhere", stream) < 0);
	T(fclose(stream));
}

static void reopened_by_64(void)
{
	writer("w");
	T(fputs("for the socket", stream) < 0);
	T(freopen64("/dev/zero", "r", stream) == stream);
	show_datagrams(sock_b);
	T(fgetc(stream));
	T(fclose(stream));
}

/* ---- libc's own streams, with a socket's number ------------------------- */

static void own_streams(void)
{
	FILE *file = fopen("/dev/null", "r");
	char *mem = NULL;
	size_t len = 0;
	FILE *in_memory = open_memstream(&mem, &len);
	int fds[2];

	make_pair();
	T(dup2(sock_a, fileno(file)) == fileno(file));
	T(close(sock_a));
	T(fclose(file));
	T(pipe(fds));
	T(fds[0] < sock_a);
	T(write(fds[1], "data whole", 10));
	R(read(fds[0], buf, 24));
	sock_a = sock();
	T(bind(sock_a, SA(&addr_a), sizeof(addr_a)));

	file = fopen("/dev/null", "r");
	T(dup2(sock_a, fileno(file)) == fileno(file));
	T(close(sock_a));
	T(freopen("/dev/zero", "r", file) == file);
	T(fgetc(file));
	T(recv(fileno(file), buf, 4, 0));
	T(read(fileno(file), buf, 4));
	T(fclose(file));
	sock_a = sock();
	T(bind(sock_a, SA(&addr_a), sizeof(addr_a)));

	T(dup2(sock_a, 0));
	T(close(sock_a));
	T(freopen("/dev/null", "r", stdin) == stdin);
	T(fgetc(stdin));
	T(dup2(sock_b, 0));
	T(fclose(stdin));
	T(open("/dev/null", O_WRONLY));
	T(write(0, "abc", 3));

	T(fputs("in memory", in_memory) < 0);
	T(fclose(in_memory));
	T(len);
	free(mem);
}

/* A stream of the program's own making, which leaves the descriptor open. */
static void not_closed(void)
{
	connect_pair();
	stream = fopencookie(NULL, "w", (cookie_io_functions_t){ 0 });
	stream->_fileno = sock_a;
	T(fclose(stream));
	T(send(sock_a, "still a socket", 14, 0));
	show_datagrams(sock_b);
}

/* The number becomes a file's below the stream. */
static void replaced(void)
{
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	writer("w+");
	T(fputs("for the socket", stream) < 0);
	T(fflush(stream));
	T(dup2(file, sock_a) == sock_a);
	T(fputs("for the file", stream) < 0);
	T(fflush(stream));
	show_datagrams(sock_b);
	T(lseek(file, 0, SEEK_CUR));
	T(fseek(stream, 4, SEEK_SET));
	T(fgetc(stream));
	T(ftell(stream));
	T(fclose(stream));
	R(pread(file, buf, 24, 0));
}

/* ---- dprintf ------------------------------------------------------------ */

static int by_vdprintf(int fd, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vdprintf(fd, fmt, ap);
	va_end(ap);
	return n;
}

static int by_vdprintf_chk(int fd, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vdprintf_chk(fd, 1, fmt, ap);
	va_end(ap);
	return n;
}

static void formatted(void)
{
	static const int width[] = { 1, 1022, 1023, 1024, 1025, 2100, 4000 };
	int here = 0;

	connect_pair();
	T(dprintf(sock_a, "%s, %d\n", "words", 42));
	T(by_vdprintf(sock_a, "%s, %d\n", "words", 42));
	T(__dprintf_chk(sock_a, 1, "%s, %d\n", "words", 42));
	T(by_vdprintf_chk(sock_a, "%s, %d\n", "words", 42));
	show_datagrams(sock_b);
	T(dprintf(sock_a, "%s", ""));
	T(dprintf(sock_a, "%m, %2$s, %1$s%3$n", "two", "one", &here));
	T(here);
	show_datagrams(sock_b);
	for (size_t i = 0; i < ARRAY_SIZE(width); i++) {
		T(dprintf(sock_a, "%*d%m", width[i], 7));
		T(__dprintf_chk(sock_a, 1, "%*d%m", width[i], 7));
		show_datagrams(sock_b);
	}
}

static void formatted_in_vain(void)
{
	const char *volatile too_wide = "%2147483648d";

	make_pair();
	T(dprintf(sock_a, "nowhere"));
	T(by_vdprintf(sock_a, "nowhere"));
	T(__dprintf_chk(sock_a, 1, "nowhere"));
	T(dprintf(sock_a, "%s", ""));
	T(dprintf(sock_a, "%2000d", 1));
	connect_to(sock_a, &addr_b);
	T(dprintf(sock_a, "%ls", L"\x12345"));
	T(dprintf(sock_a, too_wide, 1));
	show_rest(sock_b);
	T(close(sock_b));
	T(dprintf(sock_a, "refused"));
	T(dprintf(sock_a, "refused"));
	T(dprintf(sock_a, "refused"));
	T(close(sock_a));
	T(dprintf(sock_a, "closed"));
	T(__dprintf_chk(sock_a, 1, "closed"));
	T(dprintf(-1, "closed"));
	T(by_vdprintf(1000000, "closed"));
}

static void formatted_elsewhere(void)
{
	int fds[2];

	make_pair();
	T(pipe(fds));
	T(dprintf(fds[1], "%d ", 1));
	T(by_vdprintf(fds[1], "%d ", 2));
	T(__dprintf_chk(fds[1], 1, "%d ", 3));
	T(by_vdprintf_chk(fds[1], "%d ", 4));
	R(read(fds[0], buf, 24));
}

/* Longer than libc's buffer, of which it makes several datagrams. */
static void formatted_long(void)
{
	static const int width[] = { 2047, 2048, 2049, 4095,
				     4096, 4097, 9000, 65507 };
	static char xs[65508];

	memset(xs, 'x', sizeof(xs) - 1);
	connect_pair();
	for (size_t i = 0; i < ARRAY_SIZE(width); i++) {
		T(dprintf(sock_a, "%*d", width[i], 7));
		show_datagrams(sock_b);
		T(__dprintf_chk(sock_a, 1, "%.*s", width[i], xs));
		show_datagrams(sock_b);
		T(by_vdprintf(sock_a, "a%.*s", width[i], xs));
		show_datagrams(sock_b);
		T(dprintf(sock_a, "%.999s%.999s%.999s%.9999s", xs, xs, xs, xs));
		show_datagrams(sock_b);
	}
}

/* A datagram that is refused is the last one of its text. */
static void formatted_long_in_vain(void)
{
	static char xs[70000];

	memset(xs, 'x', sizeof(xs) - 1);
	connect_pair();
	T(dprintf(sock_a, "%10d%ls", 1, L"\x12345"));
	show_datagrams(sock_b);
	T(dprintf(sock_a, "a%s", xs));
	show_datagrams(sock_b);
	T(close(sock_b));
	T(send(sock_a, "x", 1, 0));
	T(dprintf(sock_a, "%5000d", 1));
	T(dprintf(sock_a, "%5000d", 1));
}

SCENARIOS({ "modes", modes }, { "no_descriptor", no_descriptor },
	  { "closed", closed }, { "closed_before", closed_before },
	  { "printed", printed }, { "long_ones", long_ones },
	  { "line_by_line", line_by_line }, { "unbuffered", unbuffered },
	  { "own_buffer", own_buffer }, { "refused", refused },
	  { "refused_in_fclose", refused_in_fclose }, { "at_exit", at_exit },
	  { "forked", forked }, { "lines", lines },
	  { "characters", characters }, { "blocks", blocks }, { "end", end },
	  { "nothing_there", nothing_there },
	  { "refused_reading", refused_reading }, { "both_ways", both_ways },
	  { "switched", switched }, { "sought", sought },
	  { "whole_lines", whole_lines }, { "whole_blocks", whole_blocks },
	  { "wide", wide }, { "wide_reading", wide_reading }, { "many", many },
	  { "two_on_one", two_on_one }, { "beside_files", beside_files },
	  { "cancelled", cancelled }, { "no_leaks", no_leaks },
	  { "reopened", reopened }, { "reopened_wide", reopened_wide },
	  { "reopened_in_vain", reopened_in_vain },
	  { "reopened_after_refusal", reopened_after_refusal },
	  { "reopened_closed", reopened_closed },
	  { "reopened_by_64", reopened_by_64 }, { "own_streams", own_streams },
	  { "replaced", replaced }, { "not_closed", not_closed },
	  { "formatted", formatted },
	  { "formatted_in_vain", formatted_in_vain },
	  { "formatted_elsewhere", formatted_elsewhere },
	  { "formatted_long", formatted_long },
	  { "formatted_long_in_vain", formatted_long_in_vain })
