# SPDX-License-Identifier: MIT
#
# make           build ./libcop.so and ./cop
# make test      install what is missing, build, run the tests
# make test-all  also the tests with real programs, and the slow tests
# make fresh     README's two commands in new, minimal Debian systems
#                (make fresh SUITE=trixie: of Debian 13; make fresh-trixie-user: in one)
# make demo      install what is missing, build, show a datagram on COP
# make bench     install what is missing, build, run the benchmarks
#                (make bench BENCH=datagram: one of them)
# make bench-plot  run the benchmark of bind(), draw docs/bind.svg
# make differential  random calls on UDP and on COP, compared
#                (make differential SEED=1 N=1000000; with ADOPT=udp compare UDP
#                with UDP sockets that COP_ADOPT puts on COP; with LITE=1 the
#                kernel's UDP-Lite with the module's; NET=6 is one of the
#                networks that tests/differential/script6.py lists)
# make asan      the unit tests under AddressSanitizer and UBSan
# make fuzz      the targets of fuzz/ with random input, a minute each, under
#                AddressSanitizer (make fuzz FUZZ=bpf FUZZ_SECONDS=600: one of them)
# make fuzz-smoke  the same, 5 seconds each
# make soak      sockets in use for 30 minutes, and what is left then (MINUTES=5)
# make cross     build for other processors, run the unit tests and a conversation
#                there, and print a table (make cross ARCH=s390x: for one)
# make coverage  which lines of the library the tests run
# make tsan      the unit tests under ThreadSanitizer, and sixteen threads at once
# make symbols   write the library's symbols into docs/BYPASS.md
# make programs  write the list of tests/programs into docs/PROGRAMS.md
# make lint      check the source with compilers, cppcheck and clang-format
# make check     the same as make test, as in GNU's programs
# make install   into $(DESTDIR)$(PREFIX)
# make install-strip  the same, without symbols for a debugger
# make uninstall remove what make install has put there
# make deb       Debian packages, built and tried in new, minimal systems of Debian 12
#                and 13, into build/deb (make deb SUITE=trixie: in one)
# make dist      build/dist/libcop-VERSION.tar.gz, of what is committed

.DEFAULT_GOAL := all

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
LIBEXECDIR ?= $(PREFIX)/libexec

# What is built knows these, and is used in every directory. An empty PREFIX is /.
is_place = $(and $(filter /%,$(firstword $(1))),$(filter 1,$(words $(subst =, ,$(1)))))
$(foreach dir,PREFIX LIBDIR INCLUDEDIR BINDIR DATADIR LIBEXECDIR,$(if \
	$(call is_place,$(or $($(dir)),/)),,\
	$(error $(dir)=$($(dir)): name it from / on, without blanks and =)))

VERSION := $(shell sed -n 's/^\#define COP_LIB_VERSION "\(.*\)"/\1/p' lib/version.h)

# Wireshark's directory for scripts is not below PREFIX. tshark prints it.
wireshark_looks = $(shell tshark -G folders 2>/dev/null | \
	sed -n 's/^Global Lua Plugins:[[:space:]]*//p')
WIRESHARKDIR ?= $(or $(if $(filter /usr /usr/local,$(PREFIX)),$(wireshark_looks)),\
	$(LIBDIR)/wireshark/plugins)

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
base_cflags := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -I. -Iinclude $(CFLAGS)

# Two words in one register of a vector are more instructions than two words, where
# the words come from elsewhere.
#
# libc's headers must not redirect the names that the library defines. If a
# program loads the library by dlopen(), the library's own calls must find the
# library, and it must stay after dlclose(), because its streams do.
lib_cflags := $(base_cflags) -fPIC -fno-plt -fvisibility=hidden -fno-tree-slp-vectorize -U_FILE_OFFSET_BITS \
	-U_TIME_BITS -U_FORTIFY_SOURCE -Wp,-U_FORTIFY_SOURCE

# The soname has no version, since no program links with the library: it exports only
# names that are libc's. The loader takes two files with one soname for the same
# library. So if LD_PRELOAD names two libcop.so, the first one serves alone. With
# versions in their sonames both would be loaded, and each would wrap the other. The
# interfaces have versions of their own: COP_TRANSPORT_ABI for modules, COP_EXPORT_LAYOUT
# for cop stat, COP_VERSION on the wire.
#
# Code and constants in one segment save 6 us at each start of a program. The
# constructor runs before the constructors of the program's libraries, because
# these may use sockets that the program has inherited.
lib_ldflags := -shared -Wl,-soname,libcop.so -Wl,--version-script=libcop.map \
	-Wl,-Bsymbolic-functions -Wl,--build-id -Wl,-z,nodelete -Wl,-z,noseparate-code \
	-Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,initfirst $(LDFLAGS)

# Builds with a sanitizer, or with another compiler, have their own directories. A
# variable of the environment that has such a name is somebody else's.
B = build
LIB = libcop.so
COP = $(patsubst ./%,%,$(dir $(LIB))cop)
COP_PROGRAM_DIR := $(patsubst ./%,%,$(dir $(COP))libexec/cop)
COP_PROGRAMS := $(COP_PROGRAM_DIR)/cop-carries $(COP_PROGRAM_DIR)/cop-check \
	$(COP_PROGRAM_DIR)/cop-service $(COP_PROGRAM_DIR)/cop-stat \
	$(COP_PROGRAM_DIR)/cop-transports

# Modules: transports that are loaded when a program asks for them, by the names that
# libcop looks for. Each has aliases, and a description of its header for Wireshark.
MODULE_DIR := $(B)/modules
UDPLITE := $(MODULE_DIR)/net-pf-2-proto-136-type-2.so
UDPLITE_ALIASES := net-pf-10-proto-136-type-2.so
SEALED := $(MODULE_DIR)/net-pf-2-proto-253-type-9.so
SEALED_ALIASES := net-pf-2-proto-0-type-9.so net-pf-10-proto-253-type-9.so \
	net-pf-10-proto-0-type-9.so sealed.so
SEALED_SOURCES := $(sort $(wildcard transports/sealed/*.c))
MODULES := $(UDPLITE) $(SEALED)

# scripts/rooms lists the rooms from the top down. Unit tests are linked without
# the first one.
INTERPOSE := interpose.c $(sort $(wildcard interpose/*.c))
ROOM_DIRS := $(shell sed -n 's/\#.*//; /^interpose/d; s/^[a-z]*\t*//p' scripts/rooms)
ROOMS := $(sort $(foreach place,$(ROOM_DIRS),$(if $(filter %.c,$(place)),$(place),\
	$(wildcard $(place)/*.c $(place)/*/*.c))))
SOURCES := $(INTERPOSE) $(ROOMS)
OBJECTS := $(SOURCES:%.c=$(B)/%.o)
ROOM_OBJECTS := $(ROOMS:%.c=$(B)/%.o)

# ---- needed packages ---------------------------------------------------------
#
# Debian's packages, one a line, each with a probe that shows that it is
# installed: see scripts/need. Before it builds anything, make checks the
# packages of all its goals at once, so that a user who can't install gets one
# list.

BUILD_NEEDS := \
	libelf-dev=/usr/include/gelf.h \
	libsmartcols-dev=/usr/include/libsmartcols/libsmartcols.h

# A compiler's command has the name of its package. Packages behind a "-" are
# optional: without them make goes on.
CC_NEEDS = \
	$(patsubst cc,gcc,$(notdir $(firstword $(CC))))=$(firstword $(CC)) \
	libc6-dev=/usr/include/stdio.h \
	$(if $(filter cc gcc,$(CC)),$(if $(wildcard $(ASKED)),,-musl-tools=musl-gcc))

# Without it the module sealed is left out.
MODULE_NEEDS = $(if $(wildcard $(ASKED)),,-libsodium-dev=/usr/include/sodium.h)

TEST_NEEDS := \
	bash-completion=/usr/share/bash-completion/bash_completion \
	gcc \
	gdb \
	iproute2=ip \
	libcap2-bin=setcap \
	libcriterion-dev=/usr/include/criterion/criterion.h \
	libfaketime=/usr/share/doc/libfaketime \
	libjemalloc2=/usr/share/doc/libjemalloc2 \
	libsocket-wrapper=/usr/share/doc/libsocket-wrapper \
	libsodium-dev=/usr/include/sodium.h \
	mandoc \
	musl-tools=musl-gcc \
	nftables=nft \
	perl \
	procps=ps \
	python3=/usr/bin/python3 \
	socat \
	strace \
	systemd=/usr/share/doc/systemd \
	tcpdump \
	tshark \
	valgrind \
	zsh

# Each script of tests/programs names the packages that it needs.
LONG_NEEDS = \
	clang \
	libclang-rt-dev=/usr/share/doc/libclang-rt-dev \
	$(shell sed -n 's/^. Packages: //p; s/^. Tools: //p' tests/programs/*.sh)

DEMO_NEEDS := \
	python3=/usr/bin/python3 \
	socat \
	tcpdump

BENCH_NEEDS := \
	-dnsperf \
	iperf3 \
	iproute2=ip \
	-knot=knotd \
	libsodium-dev=/usr/include/sodium.h \
	-ngtcp2-client=gtlsclient \
	-ngtcp2-server=gtlsserver \
	-nsd \
	-openssl \
	python3=/usr/bin/python3 \
	sockperf \
	valgrind \
	-wireguard-tools=wg

PLOT_NEEDS := \
	gnuplot-nox=gnuplot

TSAN_NEEDS := \
	clang \
	libsodium-dev=/usr/include/sodium.h \
	libclang-rt-dev=/usr/share/doc/libclang-rt-dev

COVERAGE_NEEDS := \
	llvm=llvm-cov

LINT_NEEDS := \
	clang \
	clang-format \
	cppcheck \
	lua-check=luacheck \
	mandoc \
	python3=/usr/bin/python3

FRESH_NEEDS := \
	debootstrap \
	git \
	iproute2=ip

# needed_by GOALS - whether this make has one of them.
needed_by = $(filter $(1),$(MAKECMDGOALS))

ASKED := $(B)/asked
NEEDS = $(BUILD_NEEDS) $(CC_NEEDS) $(MODULE_NEEDS) \
	$(if $(call needed_by,check test tests unit asan tsan churn differential% $(B)/tests/%),\
		$(TEST_NEEDS)) \
	$(if $(call needed_by,test-all programs coverage),$(TEST_NEEDS) $(LONG_NEEDS)) \
	$(if $(call needed_by,demo),$(DEMO_NEEDS)) \
	$(if $(call needed_by,bench $(B)/bench/%),$(BENCH_NEEDS)) \
	$(if $(call needed_by,bench-plot),$(PLOT_NEEDS)) \
	$(if $(call needed_by,tsan fuzz fuzz-smoke),$(TSAN_NEEDS)) \
	$(if $(call needed_by,coverage),$(COVERAGE_NEEDS)) \
	$(if $(call needed_by,lint),$(LINT_NEEDS)) \
	$(if $(call needed_by,fresh% deb%),$(FRESH_NEEDS))

# The library is made for glibc: it finds glibc's functions by their symbol versions.
NO_GLIBC = libcop needs glibc, and $(firstword $(CC)) builds for another libc: take gcc or clang.

need:
	@scripts/need $(NEEDS)
	@echo '#include <features.h>' | $(CC) -E -dM -x c - | grep -q __GLIBC__ || \
		{ echo '$(NO_GLIBC)' >&2; false; }
	@[ -e $(ASKED) ] || { mkdir -p $(B) && touch $(ASKED); }

# ---- the library -------------------------------------------------------------

V ?= 0
ifeq ($(V),0)
say = @printf '  %-7s %s\n' $(1) $(2);
endif

all: need $(LIB) $(COP) $(COP_PROGRAMS) $(MODULES)

$(LIB): $(OBJECTS) libcop.map
	$(call say,LD,$@)$(CC) $(lib_cflags) -o $@ $(OBJECTS) $(lib_ldflags)

$(B)/%.o: %.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(lib_cflags) $(own_cflags) -MMD -MP -c -o $@ $<

# The name of the module's one symbol. A module that is loaded has another one.
$(B)/transports/%.o: own_cflags = -DCOP_BUILTIN=cop_builtin_$(notdir $(@D))

# Where loaded modules are, apart from COP_MODULES.
$(B)/inet/request.o: own_cflags = -DCOP_LIBDIR='"$(LIBDIR)"'

# These objects know where they will be installed. So make install builds them again if
# it is given other directories than make was.
knows_paths := $(shell grep -lE 'COP_LIB(EXEC)?DIR' $(SOURCES) tools/*.c)
$(foreach dir,$(B) $(B)/launcher $(B)/programs,$(knows_paths:%.c=$(dir)/%.o)): $(B)/paths

$(B)/paths: paths
	@mkdir -p $(@D)
	@printf '%s\n' '$(LIBDIR)' '$(LIBEXECDIR)' | cmp -s - $@ || \
		printf '%s\n' '$(LIBDIR)' '$(LIBEXECDIR)' >$@

# ---- modules ------------------------------------------------------------------

loaded_cflags = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -Iinclude $(CFLAGS) \
	-fPIC -fvisibility=hidden
loaded_ldflags = -shared -Wl,-z,defs -Wl,-z,relro -Wl,-z,now $(LDFLAGS)

$(UDPLITE): transports/udplite/udplite.c | need
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(loaded_cflags) -MMD -MP -MF $(@:.so=.d) -o $@ $< \
		$(loaded_ldflags)
	@for name in $(UDPLITE_ALIASES); do ln -sf $(@F) $(@D)/$$name; done
	@ln -sf $(abspath transports/udplite/udplite.lua) $(@D)/udplite.lua

# "make" goes on without libsodium-dev; "make test" installs it.
quiet := $(if $(filter 0,$(V)),@)
has_sodium = echo '\#include <sodium.h>' | $(CC) $(CFLAGS) -E - >/dev/null 2>&1

$(SEALED): $(SEALED_SOURCES) $(wildcard transports/sealed/*.h) \
		include/cop_transport.h | need
	@mkdir -p $(@D)
	$(quiet)if ! $(has_sodium); then \
		echo '  sealed is left out: it needs libsodium-dev'; \
	else $(if $(quiet),printf '  %-7s %s\n' LD $@;) \
		$(CC) $(loaded_cflags) -o $@ $(SEALED_SOURCES) -lsodium \
			$(loaded_ldflags) && \
		for name in $(SEALED_ALIASES); do \
			ln -sf $(@F) $(@D)/$$name || exit; \
		done; fi
	@ln -sf $(abspath transports/sealed/sealed.lua) $(@D)/sealed.lua

# ---- the launcher -----------------------------------------------------------
#
# Each program that cop starts has to wait for cop. When a program starts, glibc
# asks the processor for its features, which takes 0.7 ms in a virtual machine;
# musl does not. Without musl-gcc the launcher is slower, and that is all.
# musl-gcc is used with gcc only, because it does not take another compiler's
# flags.

COP_CC = $(if $(filter cc gcc,$(CC)),$(or $(shell command -v musl-gcc),$(CC)),$(CC))
COP_CFLAGS = $(base_cflags) -D_FILE_OFFSET_BITS=64 -DCOP_LIBDIR='"$(LIBDIR)"' \
	-DCOP_LIBEXECDIR='"$(LIBEXECDIR)"'
TOOLS := $(sort $(wildcard tools/*.c))

# The files that several programs share, then the files of each.
JUDGE := tools/command.c tools/elf.c tools/library.c tools/program.c \
	tools/report.c tools/say.c tools/secure.c tools/self.c tools/verdict.c \
	lib/escape.c
LAUNCHER := $(JUDGE) tools/cop.c tools/run.c tools/adopt.c tools/carrier.c \
	tools/key.c tools/options.c tools/setting.c transports/sealed/keyfile.c
CARRIES := tools/carries.c
CHECK := $(JUDGE) tools/check.c tools/loader.c
TRANSPORTS := tools/transports.c tools/offer.c tools/probe.c tools/trusted.c \
	tools/command.c tools/say.c tools/self.c tools/setting.c
SERVICE := $(JUDGE) tools/service.c tools/enable.c tools/status.c tools/adopt.c \
	tools/dropin.c tools/fitness.c tools/key.c tools/manager.c tools/options.c \
	tools/reader.c tools/setting.c tools/trusted.c tools/unit.c tools/unitfile.c \
	transports/sealed/keyfile.c
STAT := $(filter-out $(LAUNCHER) $(CHECK) $(CARRIES) $(SERVICE) $(TRANSPORTS),\
	$(TOOLS)) \
	lib/escape.c lib/addr.c flow/source.c tools/command.c tools/elf.c tools/library.c \
	tools/say.c tools/self.c

$(COP): $(LAUNCHER:%.c=$(B)/launcher/%.o)

# cop check is static: it reads LD_PRELOAD, and no loader must obey that in it.
$(COP_PROGRAM_DIR)/cop-check: $(CHECK:%.c=$(B)/launcher/%.o)

$(COP) $(COP_PROGRAM_DIR)/cop-check:
	@mkdir -p $(@D)
	$(call say,LD,$@)$(COP_CC) $(COP_CFLAGS) -static -o $@ $^ $(LDFLAGS) || \
		$(COP_CC) $(COP_CFLAGS) -o $@ $^ $(LDFLAGS)

$(B)/launcher/%.o: %.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(COP_CC) $(COP_CFLAGS) -MMD -MP -c -o $@ $<

# No program waits for the start of cop stat, so it may use libraries.
$(COP_PROGRAM_DIR)/cop-stat: $(STAT:%.c=$(B)/programs/%.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(COP_CFLAGS) -o $@ $^ -lelf -lsmartcols $(LDFLAGS)

$(COP_PROGRAM_DIR)/cop-service: $(SERVICE:%.c=$(B)/programs/%.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(COP_CFLAGS) -o $@ $^ $(LDFLAGS)

# It loads modules by the library's own functions: what it says of a module is what a
# program would find.
$(COP_PROGRAM_DIR)/cop-transports: $(TRANSPORTS:%.c=$(B)/programs/%.o) $(ROOM_OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(COP_CFLAGS) -o $@ $^ -lpthread -ldl $(LDFLAGS)

# It is dynamic, because the library has to act in it.
$(COP_PROGRAM_DIR)/cop-carries: $(CARRIES:%.c=$(B)/programs/%.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(COP_CFLAGS) -o $@ $^ $(LDFLAGS)

$(B)/programs/%.o: %.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(COP_CFLAGS) -MMD -MP -c -o $@ $<

# ---- tests ------------------------------------------------------------------
#
# tests/unit/       one program, linked with the rooms but not interpose/, and with
#                   some files of tools/
# tests/e2e/*.c     one program, which runs others under LD_PRELOAD
# tests/e2e/progs/  these programs: each .c is one that does not know libcop
# tests/programs/   scripts that run real programs on UDP and on COP
# tests/differential/  a program that makes random calls, and one that compares
#
# "make test" is for a new user. It leaves out tests/programs and the slow
# tests, and skips the tests that need clang if clang is not installed.

UNIT := $(B)/tests/unit-tests
E2E := $(B)/tests/e2e-tests
PROGS := $(patsubst tests/e2e/progs/%.c,$(B)/tests/progs/%,\
	$(sort $(wildcard tests/e2e/progs/*.c)))
PROGS6 := $(PROGS:$(B)/tests/progs/%=$(B)/tests/progs6/%)
UNIT_OBJECTS := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/unit/*.c \
	tests/unit/*/*.c) fuzz/bpf_model.c fuzz/mark.c fuzz/sealed.c) \
	$(addprefix tools/,budget.c child.c lines.c refused.c say.c supervise.c target.c))
E2E_OBJECTS := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/e2e/*.c)))
TEST_CFLAGS ?=
test_cflags := $(base_cflags) -Wno-missing-prototypes -Itests $(TEST_CFLAGS)
CRITERION := --jobs 2
CRITERION_LIB ?= -lcriterion

$(B)/tests/unit/%.o $(B)/tests/e2e/%.o: test_cflags += \
	-DCOP_TEST_DIR='"$(abspath tests)"' -DCOP_BUILD_DIR='"$(abspath $(B))"' \
	-DCOP_LIB='"$(abspath $(LIB))"' -DCOP_BIN='"$(abspath $(COP))"' \
	-DCOP_PROGRAMS='"$(abspath $(COP_PROGRAM_DIR)/..)"' \
	-DCOP_MODULE_DIR='"$(abspath $(MODULE_DIR))"'

$(B)/tests/%.o: tests/%.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(test_cflags) -MMD -MP -c -o $@ $<

# The modules are linked with the tests as if they were built into the library.
MODULE_OBJECTS := $(SEALED_SOURCES:%.c=$(B)/%.o)

$(UNIT): $(UNIT_OBJECTS) $(ROOM_OBJECTS) $(MODULE_OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ $(CRITERION_LIB) -lsodium -lpthread $(LDFLAGS)

# These tests compare the dissector's results with the library's own.
$(E2E): $(E2E_OBJECTS) $(B)/flow/source.o
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ -lcriterion -lpthread $(LDFLAGS)

$(B)/tests/progs/%: tests/e2e/progs/%.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(test_cflags) -MMD -MP -o $@ $< -lpthread

# The same programs for AF_INET6.
$(B)/tests/progs6/%: tests/e2e/progs/%.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(test_cflags) -DPROG_INET6 -MMD -MP -o $@ $< -lpthread

# emitted.c is the beginning of each program that is written to show a
# difference.
PLAYER := $(B)/tests/differential/player
PLAYER_OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out %/emitted.c %/liar.c,\
	$(sort $(wildcard tests/differential/*.c))))
LIAR := $(B)/tests/differential/liar.so

$(PLAYER): $(PLAYER_OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ -ldl $(LDFLAGS)

$(LIAR): tests/differential/liar.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(test_cflags) -fPIC -shared -o $@ $< -ldl

# Only tests/programs/quinn.sh needs it, which is skipped where quinn is another
# version.
QUINN := $(B)/quinn/release/quinn_transfer
CRATES := /usr/share/cargo/registry

$(QUINN): $(wildcard tests/programs/quinn/*) | need
	@mkdir -p $(B)/quinn
	@cp $^ $(B)/quinn
	$(call say,CARGO,$@)cargo build --quiet --release --offline \
		--manifest-path $(B)/quinn/Cargo.toml --target-dir $(B)/quinn \
		--config 'source.crates-io.replace-with="debian"' \
		--config 'source.debian.directory="$(CRATES)"' || \
		echo 'quinn_transfer can not be built: its test is skipped'

SEED ?= fresh
N ?= 100000
LONG_CALLS := 500000
ADOPT ?=
LITE ?=
NET ?=
DIFFERENTIAL = CC='$(CC)' tests/differential/run --player $(PLAYER) \
	--library $(abspath $(LIB)) --keep $(B)/differential $(NET:%=--net %)

OF_UDPLITE = --udplite $(abspath $(UDPLITE))

differential: need $(LIB) $(PLAYER) $(MODULES)
	$(DIFFERENTIAL) --calls $(N) --seed $(SEED) $(ADOPT:%=--adopt %) \
		$(LITE:%=$(OF_UDPLITE))

# The tests play the same calls each time, so that a failure is the change's own.
# New calls are "make differential", as often as one likes. liar.c gives wrong answers,
# to check that the comparison finds them.
differential-quick: need $(LIB) $(PLAYER) $(LIAR) $(MODULES)
	$(DIFFERENTIAL) --check-rules
	$(DIFFERENTIAL) --calls 2000 --liar $(abspath $(LIAR))
	$(DIFFERENTIAL) --calls 30000 --seed 1 --seed 2 --seed 3 --seed 4
	$(DIFFERENTIAL) --adopt udp --check-rules
	$(DIFFERENTIAL) --adopt udp --calls 30000 --seed 1 --seed 2
	$(DIFFERENTIAL) $(OF_UDPLITE) --check-rules
	$(DIFFERENTIAL) $(OF_UDPLITE) --calls 30000 --seed 1 --seed 2

tests: need $(LIB) $(COP) $(COP_PROGRAMS) $(MODULES) $(UNIT) $(E2E) $(PROGS) $(PROGS6) $(PLAYER) $(LIAR)

# The suites of tests/e2e that "make test" leaves out.
LONG_SUITES := programs|e2e_long

check: test

test: tests
	$(MAKE) differential-quick
	scripts/criterion $(UNIT) $(CRITERION)
	scripts/criterion $(E2E) $(CRITERION) --filter '!($(LONG_SUITES))/*'

test-all: tests $(QUINN)
	$(MAKE) differential-quick
	$(DIFFERENTIAL) --calls $(LONG_CALLS) --seed 5
	$(DIFFERENTIAL) --calls $(LONG_CALLS) --seed 5 --adopt udp
	$(DIFFERENTIAL) --calls $(LONG_CALLS) --seed 5 $(OF_UDPLITE)
	scripts/criterion $(UNIT) $(CRITERION)
	scripts/criterion $(E2E) $(CRITERION)

unit: need $(UNIT)
	scripts/criterion $(UNIT) $(CRITERION)

asan: need
	$(MAKE) unit B=build/asan CC=gcc WERROR=-Werror \
		CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'

# Clang's libFuzzer makes the inputs. Each file of fuzz/ that is named here is a target;
# fuzz/seeds has inputs to begin with, and $(B)/corpus keeps inputs that reach new code.
FUZZ ?= bpf environment error_queue header joined mark ports program sealed stat transport \
	unit
FUZZ_SECONDS ?= 60
FUZZ_PROGRAMS := $(FUZZ:%=$(B)/fuzz/%)

# The modules that fuzz/transport.c loads: one of each folder, and those of the tests.
FUZZ_MODULES := $(patsubst transports/%/,%,$(filter-out transports/cop/,\
	$(sort $(dir $(wildcard transports/*/*.c)))))
FUZZ_TEST_MODULES := $(patsubst tests/e2e/modules/%.c,%,$(wildcard tests/e2e/modules/*.c))
FUZZ_LOADED := $(addprefix $(B)/fuzz/modules/,$(addsuffix .so,$(FUZZ_MODULES) \
	$(FUZZ_TEST_MODULES)))
module_cflags = -std=gnu11 -D_GNU_SOURCE -Iinclude $(CFLAGS) -fPIC -shared

$(B)/fuzz/%.o: fuzz/%.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(test_cflags) -DFUZZ_MODULES='"$(abspath $(B))/fuzz/modules"' \
		-MMD -MP -c -o $@ $<

$(B)/fuzz/bpf $(B)/fuzz/header $(B)/fuzz/mark $(B)/fuzz/transport: $(B)/fuzz/bpf_model.o
$(B)/fuzz/ports: $(B)/tools/adopt.o
$(B)/fuzz/program: $(patsubst %,$(B)/tools/%.o,elf program report secure verdict)
$(B)/fuzz/stat: $(patsubst %,$(B)/tools/%.o,budget diag flows kernel object protos \
	sockets target)
$(B)/fuzz/unit: $(patsubst %,$(B)/tools/%.o,unit unitfile)
$(B)/fuzz/transport: | $(FUZZ_LOADED)

# The unit tests call it by the other name.
$(B)/fuzz/sealed: test_cflags += -Dfuzz_sealed=LLVMFuzzerTestOneInput
$(B)/fuzz/sealed: fuzz_libs = -lsodium
$(B)/fuzz/sealed: $(SEALED_SOURCES:%.c=$(B)/%.o)
$(B)/fuzz/modules/sealed.so: fuzz_libs = -lsodium

# Modules find the sanitizer's functions in the program.
$(FUZZ_PROGRAMS): $(B)/fuzz/%: $(B)/fuzz/%.o $(ROOM_OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -fsanitize=fuzzer -rdynamic -o $@ $^ \
		$(fuzz_libs) -lpthread -ldl $(LDFLAGS)

$(FUZZ_MODULES:%=$(B)/fuzz/modules/%.so): $(B)/fuzz/modules/%.so: transports/%
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(module_cflags) -o $@ $(wildcard $</*.c) $(fuzz_libs)

$(FUZZ_TEST_MODULES:%=$(B)/fuzz/modules/%.so): $(B)/fuzz/modules/%.so: tests/e2e/modules/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(module_cflags) -o $@ $<

FUZZ_RUNS := $(FUZZ:%=fuzz-run-%)

fuzz-run: $(FUZZ_RUNS)

$(FUZZ_RUNS): fuzz-run-%: need $(B)/fuzz/%
	@scripts/fuzz $(B) $(FUZZ_SECONDS) $*

fuzz: need
	$(MAKE) fuzz-run B=build/fuzz CC=clang WERROR=-Werror \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'

fuzz-smoke:
	$(MAKE) fuzz FUZZ_SECONDS=5

tsan: need
	$(MAKE) unit churn B=build/tsan CC=clang WERROR=-Werror \
		CFLAGS='-O1 -g -fsanitize=thread'

# The whole library, linked into one program: it serves that program's calls
# without LD_PRELOAD.
CHURN := $(B)/tests/churn
CHURN_SECONDS ?= 10

$(CHURN): $(B)/tests/e2e/progs/churn.o $(OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ -lpthread -ldl $(LDFLAGS)

churn: $(CHURN)
	COP_DEBUG=1 $(CHURN) cop threads $(CHURN_SECONDS) 2>$(CHURN).err || \
		{ cat $(CHURN).err; false; }
	! grep -e refcnt= -e 'reference too many' $(CHURN).err

# For half an hour: many threads, forks, programs that are executed, signals and strays, on
# all transports that there are. Nothing may be left.
MINUTES ?= 30

soak: need $(LIB) $(COP) $(COP_PROGRAMS) $(MODULES) $(B)/tests/progs/soak $(B)/tests/progs6/soak
	CC='$(CC)' scripts/soak $(B) $(abspath $(LIB)) $(abspath $(COP)) $(MINUTES)

# The counters are in mapped files, so that a program that a signal ends leaves
# its counters, too. Tests that use valgrind fail in this build: use "make test"
# to see which tests pass.
COVERAGE := build/coverage

coverage: export LLVM_PROFILE_FILE = $(abspath $(COVERAGE))/prof/%m%c.profraw
coverage: need
	$(MAKE) tests B=$(COVERAGE) LIB=$(COVERAGE)/libcop.so CC=clang \
		CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping \
			-mllvm -runtime-counter-relocation'
	@rm -rf $(COVERAGE)/prof
	-scripts/criterion $(COVERAGE)/tests/unit-tests $(CRITERION)
	-scripts/criterion $(COVERAGE)/tests/e2e-tests $(CRITERION)
	@scripts/coverage $(COVERAGE) $(SOURCES)

# ---- benchmarks -------------------------------------------------------------

BENCHES := $(patsubst bench/bench_%.c,%,$(sort $(wildcard bench/bench_*.c))) \
	programs tunnel
BENCH ?= $(BENCHES)

$(B)/bench/%.o: bench/%.c | need
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(base_cflags) -MMD -MP -c -o $@ $<

$(B)/bench/bench_%: $(B)/bench/bench_%.o $(B)/bench/harness.o $(ROOM_OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ -lpthread $(LDFLAGS)

$(B)/bench/bench_sealed: $(B)/bench/bench_sealed.o $(B)/bench/harness.o $(ROOM_OBJECTS)
	$(call say,LD,$@)$(CC) $(base_cflags) -o $@ $^ -lsodium -lpthread $(LDFLAGS)

$(B)/bench/bench_%: bench/bench_%.py | need
	@mkdir -p $(@D)
	$(call say,COPY,$@)install -m 755 $< $@

# A transport that is loaded, as a user builds it. By the name of make, since "make -n"
# runs each command that has $(MAKE), without the copy that this one needs.
BENCH_MODULES := $(B)/bench/skeleton

$(BENCH_MODULES): transports/skeleton/skeleton.c transports/skeleton/Makefile \
		include/cop_transport.h | need
	@rm -rf $@ && mkdir -p $(@D) && cp -r transports/skeleton $@
	$(call say,MAKE,$@)env -u MAKEFLAGS make -s -C $@ \
		INCLUDEDIR=$(abspath include)

$(B)/bench/bench_modules: | $(BENCH_MODULES)

bench: $(LIB) $(COP) $(COP_PROGRAMS) $(MODULES) $(BENCH:%=$(B)/bench/bench_%)
	@for b in $(BENCH); do COP_LIB=$(abspath $(LIB)) COP_BIN=$(abspath $(COP)) \
		COP_BENCH_MODULES=$(abspath $(BENCH_MODULES)) \
		COP_BENCH_SEALED=$(abspath $(MODULE_DIR)) \
		$(B)/bench/bench_$$b || exit 1; done

# The results stay in $(B)/bench/bind.json.
bench-plot: need $(LIB) $(B)/bench/bench_bind
	@rm -f $(B)/bench/bind.json
	@BENCH_JSON=$(B)/bench/bind.json COP_LIB=$(abspath $(LIB)) \
		$(B)/bench/bench_bind
	@scripts/plot-bind $(B)/bench/bind.json docs/bind.svg

# ---- new systems -------------------------------------------------------------
#
# "make -j2 -O fresh" makes them beside each other, and does not mix their outputs.

SUITE ?= bookworm trixie
FRESH := $(foreach suite,$(SUITE),fresh-$(suite)-root fresh-$(suite)-user)
DEB := $(SUITE:%=deb-%)

fresh: $(FRESH)

# Where the machine can't do it, scripts/fresh says why and exits with 77.
$(FRESH): fresh-%: need
	scripts/fresh $(subst -, ,$*) || [ $$? -eq 77 ]

# Of what is committed. See debian/ and scripts/fresh-steps.
deb: $(DEB)

$(DEB): deb-%: need
	scripts/fresh $* package

# ---- other processors ---------------------------------------------------------

ARCH ?=

# It makes the native library itself, so it does not depend on it here.
cross:
	scripts/cross $(ARCH)

# ---- the rest ---------------------------------------------------------------

demo: need $(LIB)
	@scripts/demo $(abspath $(LIB))

symbols: $(LIB)
	@scripts/symbols $(LIB) docs/BYPASS.md

programs: need
	@scripts/programs tests/programs docs/PROGRAMS.md

lint: need
	$(MAKE) -B B=build/gcc LIB=build/gcc/libcop.so CC=gcc WERROR=-Werror all
	$(MAKE) -B B=build/clang LIB=build/clang/libcop.so CC=clang WERROR=-Werror all
	scripts/layers build/gcc
	scripts/untested
	scripts/families
	@echo cppcheck; cppcheck -q -j $(shell nproc) --error-exitcode=1 --inline-suppr -I. -Iinclude $(SOURCES) $(TOOLS) \
		$(SEALED_SOURCES)
	mandoc -T lint -W warning man/*
	luacheck -q $(wildcard tools/*.lua transports/*/*.lua tests/*/*/*.lua)
	@echo clang-format; clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')

# ---- installing ---------------------------------------------------------------
#
# What is installed: SOURCE=PLACE. make uninstall removes the same places.

MAN := $(DATADIR)/man

PUT_PROGRAMS = \
	$(LIB)=$(LIBDIR)/libcop.so \
	$(COP)=$(BINDIR)/cop \
	$(foreach p,$(COP_PROGRAMS),$(p)=$(LIBEXECDIR)/cop/$(notdir $(p))) \
	$(UDPLITE)=$(LIBDIR)/cop/$(notdir $(UDPLITE))

# The second names of modules. SOURCE is what the link says, beside it.
PUT_LINKS = \
	$(foreach a,$(UDPLITE_ALIASES),$(notdir $(UDPLITE))=$(LIBDIR)/cop/$(a))

PUT_FILES = \
	include/cop.h=$(INCLUDEDIR)/cop.h \
	include/cop_transport.h=$(INCLUDEDIR)/cop_transport.h \
	man/cop.1=$(MAN)/man1/cop.1 \
	man/libcop.7=$(MAN)/man7/libcop.7 \
	completions/cop=$(DATADIR)/bash-completion/completions/cop \
	completions/_cop=$(DATADIR)/zsh/site-functions/_cop \
	transports/udplite/udplite.lua=$(LIBDIR)/cop/udplite.lua \
	$(if $(WIRESHARKDIR),tools/cop.lua=$(WIRESHARKDIR)/cop.lua)

# at PLACE - where it goes now.
at = '$(DESTDIR)$(1)'
place_of = $(call at,$(lastword $(subst =, ,$(1))))

# put OPTIONS, ITEM - install one of these.
define put
install -D $(1) $(firstword $(subst =, ,$(2))) $(call place_of,$(2))

endef

STRIP ?= strip
STRIPPED :=

PKG_CONFIG_FILE = $(LIBDIR)/pkgconfig/cop.pc

# link ITEM - make one of these.
define link
ln -sf $(firstword $(subst =, ,$(1))) $(call place_of,$(1))

endef

# What was left out of the build is left out here, too.
install: $(LIB) $(COP) $(COP_PROGRAMS) $(MODULES)
	$(foreach item,$(PUT_PROGRAMS),$(call put,-m 755 $(STRIPPED),$(item)))
	$(foreach item,$(PUT_LINKS),$(call link,$(item)))
	$(foreach item,$(PUT_FILES),$(call put,-m 644,$(item)))
	$(if $(WIRESHARKDIR),sed -i 's|^local LIBDIR = .*|local LIBDIR = "$(LIBDIR)"|' \
		$(call at,$(WIRESHARKDIR)/cop.lua))
	install -D -m 644 cop.pc.in $(call at,$(PKG_CONFIG_FILE))
	sed -i -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
		$(call at,$(PKG_CONFIG_FILE))
	install -d $(call at,$(LIBDIR)/cop)
	[ ! -e $(SEALED) ] || { \
		install -m 755 $(STRIPPED) -t $(call at,$(LIBDIR)/cop) $(SEALED) && \
		install -m 644 -t $(call at,$(LIBDIR)/cop) transports/sealed/sealed.lua && \
		for name in $(SEALED_ALIASES); do \
			ln -sf $(notdir $(SEALED)) $(call at,$(LIBDIR)/cop)/$$name; \
		done; }

install-strip: STRIPPED := -s --strip-program=$(STRIP)
install-strip: install

# Modules that somebody has put into LIBDIR/cop stay, and so do all directories that
# others may use. Wireshark may have come or gone since make install.
uninstall:
	rm -f $(foreach item,$(PUT_PROGRAMS) $(PUT_LINKS) $(PUT_FILES),$(call place_of,$(item))) \
		$(call at,$(PKG_CONFIG_FILE)) \
		$(call at,$(LIBDIR)/wireshark/plugins/cop.lua) \
		$(foreach name,$(notdir $(SEALED)) $(SEALED_ALIASES) sealed.lua,\
			$(call at,$(LIBDIR)/cop/$(name)))
	for dir in $(LIBDIR)/cop $(LIBEXECDIR)/cop; do \
		[ ! -d $(call at,)"$$dir" ] || \
			rmdir --ignore-fail-on-non-empty $(call at,)"$$dir"; \
	done

# ---- a release ----------------------------------------------------------------

DIST := build/dist/libcop-$(VERSION)

# The same commit makes the same file, whatever the user's settings of git are. A release
# may lie in another repository, which does not have its files.
dist:
	@git cat-file -e HEAD:./Makefile 2>/dev/null || \
		{ echo 'make dist packs what is committed: it needs git' >&2; false; }
	@git diff --quiet HEAD || echo 'make dist leaves out what is not committed' >&2
	@mkdir -p $(dir $(DIST))
	$(call say,DIST,$(DIST).tar.gz)git -c tar.umask=0002 -c core.autocrlf=false archive \
		--prefix=$(notdir $(DIST))/ HEAD | gzip -9 -n >$(DIST).$$$$ && mv $(DIST).$$$$ $(DIST).tar.gz

clean:
	rm -rf build libcop.so cop libexec

-include $(shell find $(B) -path $(B)/fresh -prune -o -name '*.d' -print 2>/dev/null)

.PHONY: $(FRESH) $(DEB) $(FUZZ_RUNS) all need paths tests check test test-all fresh unit churn cross fuzz fuzz-run fuzz-smoke soak differential differential-quick coverage asan tsan bench bench-plot demo symbols programs lint install install-strip uninstall dist deb clean
.DELETE_ON_ERROR:
.SECONDARY:
