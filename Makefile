# Holdfast. What is built lies in build/ (under a sanitizer: in build/san-...).
#   make            the server and the links redis-check-rdb, redis-check-aof, holdfast
#   make run        installs what is missing, builds, serves on 6379 with redis.conf
#   make test       everything that must hold          SAN=address,undefined   LONG=1
#   make bench      a table of ratios against the installed redis-server
#   make fuzz       the fuzzers, until interrupted     FUZZ_SECONDS=60
#   make lint       layers, headers, globals, sizes, ratchets
#   make install    PREFIX=/usr/local DESTDIR=
#   make help       these lines
#   make compile_commands.json   for editors
#   WERROR=1        a warning is an error, as it is in make test and make lint (there 0: it is none)
#   CFLAGS= LDFLAGS= LDLIBS=     yours, behind ours; other flags than last time make all anew

ifeq ($(origin CC),default)
CC      = gcc
endif
PREFIX  = /usr/local
MANDIR  = $(PREFIX)/share/man
COMPLETIONS = $(PREFIX)/share/bash-completion/completions
SAN     =
JOBS    = $(shell nproc)

comma := ,
B      := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
# A warning is an error for who works on this (WERROR=1): others have other compilers than we.
WARN   := -Wall -Wextra -Wshadow -Wmissing-prototypes $(if $(filter 1,$(WERROR)),-Werror)
OUR_MAKE = $(MAKE) --no-print-directory WERROR=$(or $(WERROR),1)
OPT    := -O2 -g -fno-omit-frame-pointer
# CFLAGS, LDFLAGS and LDLIBS are those of whoever builds, and come last: make CFLAGS=-O3
OUR_CFLAGS  := -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -Isrc -I. -pthread -MMD -MP
OUR_LDLIBS  := -luring -llzf -llz4 -lz -lzstd -lssl -lcrypto -llua5.1 -lm -pthread
ifeq ($(SAN),)
OUR_LDLIBS += -ljemalloc
else
OUR_CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -DMEM_SYSTEM
OUR_LDFLAGS += -fsanitize=$(SAN)
endif

FOLDERS  := $(shell awk -F: '/^[a-z]/ && $$1 != "tools" { print $$1 }' src/LAYERS)
allowed   = $(shell awk -F: '$$1 == "$(1)" { print $$2 }' src/LAYERS)
archive   = $(B)/lib/lib$(1).a
archives  = -Wl,--start-group $(foreach f,$(1),$(call archive,$(f))) -Wl,--end-group
objects   = $(patsubst %.c,$(B)/obj/%.o,$(wildcard src/$(1)/*.c))
TOOL_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/*.c))
BUILT    := $(foreach f,$(FOLDERS),$(if $(wildcard src/$(f)/*.c),$(f)))

LINKS    := redis-check-rdb redis-check-aof holdfast
all: $(B)/redis-server $(addprefix $(B)/,$(LINKS))

$(B)/redis-server: $(foreach f,$(BUILT),$(call archive,$(f))) $(TOOL_OBJ)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -rdynamic -o $@.new $(call objects,main) $(TOOL_OBJ) \
	    $(call archives,$(filter-out main,$(BUILT))) $(OUR_LDLIBS) $(LDLIBS)
	@mv $@.new $@

$(addprefix $(B)/,$(LINKS)): $(B)/redis-server
	ln -sf redis-server $@

define folder_rule
$(call archive,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D); rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(BUILT),$(eval $(call folder_rule,$(f))))

# What objects and programs were made with. make install does not ask: it takes what is there.
FLAGS := $(strip $(CC) $(filter-out -Werror,$(OUR_CFLAGS)) $(CFLAGS) \
    : $(OUR_LDFLAGS) $(LDFLAGS) : $(OUR_LDLIBS) $(LDLIBS))
ifneq ($(MAKECMDGOALS),install)
ifneq ($(FLAGS),$(shell cat $(B)/flags 2>/dev/null))
.PHONY: $(B)/flags
endif
endif
$(B)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "cc $<"; $(CC) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

# ---- tests: one program a file, linked to nothing but what its folder may use ----
UNIT_C  := $(wildcard tests/unit/*/test_*.c)
UNITS   := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_C))
FUZZ_C  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_C))
CRASH_C := $(wildcard tests/crash/crash_*.c)
CRASHES := $(patsubst tests/%.c,$(B)/%,$(wildcard $(addprefix tests/crash/crash_, \
    states.c faults.c kill.c)))

define unit_rule
$(B)/unit/$(1)/%: $(B)/obj/tests/unit/$(1)/%.o $(B)/obj/tests/unit/unit.o \
    $(foreach f,$(filter $(1) $(call allowed,$(1)),$(BUILT)),$(call archive,$(f)))
	@mkdir -p $$(@D)
	@echo "ld $$@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $$@ $$< $(B)/obj/tests/unit/unit.o \
	    $(call archives,$(filter $(1) $(call allowed,$(1)),$(BUILT))) $(OUR_LDLIBS) $(LDLIBS)
endef
$(foreach f,$(filter-out main,$(FOLDERS)),$(eval $(call unit_rule,$(f))))

TOOL_LIBS := $(filter $(call allowed,tools),$(BUILT))
$(B)/unit/tools/%: $(B)/obj/tests/unit/tools/%.o $(B)/obj/tests/unit/unit.o $(TOOL_OBJ) \
    $(foreach f,$(TOOL_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/unit/unit.o $(TOOL_OBJ) \
	    $(call archives,$(TOOL_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# Programs that damage files and measure what the tools save.
TOOL_TESTS := $(patsubst tests/tools/%.c,$(B)/tests-tools/%,$(wildcard tests/tools/*.c))
$(B)/tests-tools/%: $(B)/obj/tests/tools/%.o $(TOOL_OBJ) \
    $(foreach f,$(TOOL_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(TOOL_OBJ) $(call archives,$(TOOL_LIBS)) $(OUR_LDLIBS) $(LDLIBS)
$(B)/fuzz/fuzz_salvage: $(B)/obj/tests/fuzz/fuzz_salvage.o $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) \
    $(foreach f,$(TOOL_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) \
	    $(call archives,$(TOOL_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# A fuzzer reads bytes: it may use what the tools may, and nothing above. But those of what scripts
# can call are linked to all that lies below main.
FUZZ_LIBS := $(filter $(call allowed,tools),$(BUILT))
LUA_LIBS  := $(filter scripting $(call allowed,scripting),$(BUILT))
$(B)/fuzz/fuzz_lua%: $(B)/obj/tests/fuzz/fuzz_lua%.o $(B)/obj/tests/fuzz/fuzz.o \
    $(foreach f,$(LUA_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(call archives,$(LUA_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# Rules of users are the server's.
ACL_LIBS := $(filter server $(call allowed,server),$(BUILT))
$(B)/fuzz/fuzz_acl: $(B)/obj/tests/fuzz/fuzz_acl.o $(B)/obj/tests/fuzz/fuzz.o \
    $(foreach f,$(ACL_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(call archives,$(ACL_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# What a primary says, and what the log tells of the stream, is replication's.
REPL_LIBS := $(filter replication $(call allowed,replication),$(BUILT))
REPL_FUZZ := $(addprefix $(B)/fuzz/,fuzz_primary_reply fuzz_log_stream)
$(REPL_FUZZ): $(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/fuzz.o \
    $(foreach f,$(REPL_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(call archives,$(REPL_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# Those of what the tools are made of.
$(B)/fuzz/fuzz_fix: $(B)/obj/tests/fuzz/fuzz_fix.o $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) \
    $(foreach f,$(FUZZ_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) \
	    $(call archives,$(FUZZ_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) \
    $(foreach f,$(FUZZ_LIBS),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(TOOL_OBJ) $(call archives,$(FUZZ_LIBS)) $(OUR_LDLIBS) $(LDLIBS)

# A crash test runs the whole server in its own children; a start that only loads ends where
# server_run would begin.
CRASH_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(filter-out $(patsubst $(B)/crash/%,tests/crash/%.c, \
    $(CRASHES)),$(CRASH_C))) $(filter-out %/main.o,$(call objects,main)) $(TOOL_OBJ)
$(B)/crash/%: $(B)/obj/tests/crash/%.o $(CRASH_OBJ) $(foreach f,$(BUILT),$(call archive,$(f)))
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -rdynamic -Wl,--wrap=server_run,--wrap=clock_gettime \
	    -o $@ $< $(CRASH_OBJ) \
	    $(call archives,$(filter-out main,$(BUILT))) $(OUR_LDLIBS) $(LDLIBS)

.PRECIOUS: $(B)/obj/%.o
units: $(UNITS) $(TOOL_TESTS)
fuzzers: $(FUZZERS)
crashes: $(CRASHES)

deps:
	@tools/install-deps build
test-deps:
	@tools/install-deps test

run: deps
	@$(MAKE) -j$(JOBS) --no-print-directory all
	$(B)/redis-server redis.conf

test: test-deps
	@$(OUR_MAKE) -j$(JOBS) all units fuzzers crashes
	@B=$(B) SAN=$(SAN) LONG=$(LONG) tests/run

fuzz: all fuzzers
	@B=$(B) tests/fuzz/forever $(FUZZ_SECONDS)

$(B)/bench/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	@echo "ld $@"; $(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< -pthread

bench: test-deps
	@$(MAKE) -j$(JOBS) --no-print-directory all $(B)/bench/bench_load $(B)/bench/bench_listen
	@B=$(B) tests/bench/run

help:
	@sed -n 's/^#   //p' Makefile

compile_commands.json:
	@{ echo '['; sep=' '; for f in src/*/*.c tools/*.c tests/*/*.c tests/unit/*/*.c; do \
	    echo "$$sep{\"directory\": \"$(CURDIR)\", \"file\": \"$$f\", \"command\":" \
	        "\"$(CC) $(filter-out -MMD -MP -Werror,$(OUR_CFLAGS)) $(CFLAGS) -c $$f\"}"; \
	    sep=','; done; echo ']'; } >$@

lint:
	@$(OUR_MAKE) all SAN= B=build
	@tests/lint/run

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/redis-server $(DESTDIR)$(PREFIX)/bin/redis-server
	for name in $(LINKS); do ln -sf redis-server $(DESTDIR)$(PREFIX)/bin/$$name; done
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(COMPLETIONS)
	$(B)/holdfast help --man >$(DESTDIR)$(MANDIR)/man1/holdfast.1
	for verb in $$($(B)/holdfast help --verbs); do \
	    $(B)/holdfast help --man $$verb >$(DESTDIR)$(MANDIR)/man1/holdfast-$$verb.1 || exit 1; done
	$(B)/holdfast help --completion >$(DESTDIR)$(COMPLETIONS)/holdfast

clean:
	rm -rf build

.PHONY: compile_commands.json help all units fuzzers crashes deps test-deps run test fuzz bench lint install clean
-include $(shell [ -d $(B)/obj ] && find $(B)/obj -name '*.d')
