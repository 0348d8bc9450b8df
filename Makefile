# SPDX-License-Identifier: GPL-2.0
# Commands for people who build and test gomem. gomem/Kbuild lists the files of the module.

# make and the shell split or expand a path with one of these characters, so a
# rule would change another directory. Some kernels cannot build below such a path.
UNFIT := : ; , = % & | < > ( ) [ ] * ? ' " ` \ $$ \#
split = $(filter-out 0 1,$(words $1))
unfit = $(strip $(call split,$1) $(foreach c,$(UNFIT),$(findstring $c,$1)))
ifneq ($(call unfit,$(CURDIR)),)
$(error gomem cannot be built in "$(CURDIR)": clone it to a path of letters, digits and ._+@~-)
endif
$(foreach v,KDIR DESTDIR INSTALL_MOD_PATH DOCDIR,$(if $(call unfit,$($v)), \
	$(error $v="$($v)" is refused: name a path of letters, digits and ._+@~-)))
$(foreach v,KERNEL BUILD KERNELRELEASE,$(if $(call split,$($v)),$(error $v="$($v)" is refused: it has a blank)))

KERNELRELEASE ?= $(shell uname -r)
VM := $(CURDIR)/scripts/vm
VERSION = $(shell sed -n 's/^\#define GOMEM_VERSION[[:space:]]*"\(.*\)"$$/\1/p' include/linux/gomem.h)

# With KERNEL=NAME, build for a kernel that scripts/vm knows, in build/NAME,
# apart from the sources. Without it, build in place, for the running kernel or
# for the headers that KDIR names.
ifdef KERNEL
# Look for the headers only if a rule needs them, and once. Stop if there are none.
ifeq ($(origin KDIR),undefined)
KDIR = $(eval KDIR := $(or $(shell $(VM) kdir $(KERNEL)),$(error no headers of the kernel "$(KERNEL)")))$(KDIR)
endif
BUILD := $(CURDIR)/build/$(KERNEL)
else
BUILD := $(CURDIR)
ifeq ($(origin KDIR),undefined)
KDIR := /lib/modules/$(KERNELRELEASE)/build
ifeq ($(wildcard $(KDIR)/Makefile),)
NO_HEADERS := 1
endif
endif
endif

# With KERNEL=NAME, run as many compilers as there are CPUs, unless the caller
# passes -j.
ifdef KERNEL
ifeq ($(filter -j% --jobs%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif

V ?= 0
KMAKE = +$(MAKE) -C $(KDIR) V=$(V)
SOURCES = find Kbuild gomem include tests \( -name '*.[ch]' -o -name 'Kbuild*' -o -name Makefile \) \
	-not -name '*.mod.c'

.PHONY: modules all-modules install uninstall modules_install symvers_install
.PHONY: headers_install tools_install doc_install
.PHONY: dkms dkms_source dkms_uninstall deb version clean help
.PHONY: demo check check-all static lint hooks kunit selftest bench coverage htmldocs
.PHONY: compile_commands.json tags

modules: all-modules
	@:

ifdef KERNEL
# TESTS: the directories of the test modules to build. gomem_kunit is built only
# if the kernel has KUnit.
#
# Up to Linux 6.12, Kbuild ignores KBUILD_EXTRA_SYMBOLS when it decides whether
# to look up the symbol versions of a module again. So remove the tests'
# Module.symvers if gomem's is newer.
TESTS := $(patsubst tests/%/Kbuild,%,$(wildcard tests/*/Kbuild))

all-modules: $(BUILD)
	$(KMAKE) M=$(BUILD) modules
	@set -e; for dir in $(TESTS); do \
		case $$dir in kunit) \
			grep -qs '^CONFIG_KUNIT=[ym]' $(KDIR)/.config || continue;; \
		esac; \
		symvers=$(BUILD)/tests/$$dir/Module.symvers; \
		test $$symvers -nt $(BUILD)/Module.symvers || rm -f $$symvers; \
		$(MAKE) -C $(KDIR) V=$(V) M=$(BUILD)/tests/$$dir \
			KBUILD_EXTRA_SYMBOLS=$(BUILD)/Module.symvers modules; \
	done

# Fill $(BUILD) with links to the sources, so that they can be built for several
# kernels. Remove links to deleted sources, and what was built from them.
$(BUILD): FORCE
	@mkdir -p $(if $(KDIR),$@)
	@find $@ -xtype l -name '*.c' | sed 's/c$$//' | xargs -I{} rm -f {}ko {}o {}ci
	@find $@ -xtype l -delete
	@$(SOURCES) -printf '%h\n' | sort -u | sed 's|^|$@/|' | xargs mkdir -p
	@{ find $@ -type l -printf '%P %l\n'; echo; \
	   $(SOURCES) -type f -printf '%p $(CURDIR)/%p\n'; } | \
		awk 'NF == 0 { wanted = 1 } !wanted { has[$$0] } \
		     wanted && NF && !($$0 in has) { print $$1 }' | \
		while read -r f; do ln -sf "$(CURDIR)/$$f" $@/$$f; done
else ifdef NO_HEADERS
all-modules:
	@echo 'make: There are no headers of the kernel $(KERNELRELEASE): $(KDIR) does not exist.' >&2
	@echo 'make: Install them (Debian: apt-get install linux-headers-$(KERNELRELEASE)),' >&2
	@echo 'make: or name the headers of another kernel with KDIR=DIRECTORY,' >&2
	@echo 'make: or a kernel of the test machines with KERNEL=NAME (scripts/vm kernels).' >&2
	@exit 1
else
all-modules:
	$(KMAKE) M=$(BUILD) modules
endif

FORCE:

# --- Installation ---

# DESTDIR= is put before all of these directories. For /lib/modules,
# INSTALL_MOD_PATH= replaces DESTDIR=.
DOCDIR ?= /usr/share/doc/gomem
INCDIR := /usr/include/gomem
SRCDIR = /usr/src/gomem-$(VERSION)
TOOLS := gomem-pprof gomem-top gomem-map gomem-new-client

# Remove a slash at the end, so that DESTDIR=/ is the same as no DESTDIR.
DEST := $(patsubst %/,%,$(abspath $(DESTDIR)))
MODULES := $(patsubst %/,%,$(abspath $(or $(INSTALL_MOD_PATH),$(DESTDIR))))/lib/modules

# The release of the kernel that the module is built for, as modinfo would print it.
RELEASE = $$(sed -n 's/^\#define UTS_RELEASE "\(.*\)"$$/\1/p' $(KDIR)/include/generated/utsrelease.h)

# The kernel's make runs depmod only if there is a System.map, which header
# packages lack. So run depmod here. Package builds set DEPMOD=true, a command
# that does nothing.
DEPMOD ?= depmod
RUN_DEPMOD = umask 022; PATH=$$PATH:/sbin:/usr/sbin $(DEPMOD) $(patsubst %/lib/modules,-b %/,$(MODULES))

install: modules_install symvers_install headers_install tools_install doc_install

# Debian's kernels sign all modules, with a key that only Debian has. Without
# the key, sign-file prints errors and the module stays unsigned. So do not sign
# if there is no key.
#
# Everybody may read what is installed, whatever the umask is. The kernel's make
# copies the mode of the module, too.
modules_install: modules
	+umask 022; $(MAKE) -C $(KDIR) V=$(V) M=$(BUILD) INSTALL_MOD_PATH=$(patsubst %/lib/modules,%,$(MODULES)) \
		INSTALL_MOD_DIR=updates INSTALL_MOD_STRIP=1 \
		$(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=) modules_install
	chmod 644 $(MODULES)/$(RELEASE)/updates/gomem/gomem.ko*
	$(RUN_DEPMOD) $(RELEASE)

# Install what other modules for this kernel are built with: the symbol
# versions of gomem, and its headers of the same version.
symvers_install: modules
	install -d $(MODULES)/$(RELEASE)/gomem/include/linux
	install -m 644 include/linux/*.h $(MODULES)/$(RELEASE)/gomem/include/linux
	install -m 644 $(BUILD)/Module.symvers $(MODULES)/$(RELEASE)/gomem

headers_install:
	install -d $(DEST)$(INCDIR)/linux
	install -m 644 include/linux/*.h $(DEST)$(INCDIR)/linux

# Install scripts/new-client as gomem-new-client.
tools_install:
	install -d $(DEST)/usr/bin $(DEST)/usr/share/man/man1
	@set -e; for tool in $(TOOLS); do \
		file=scripts/$$tool; test -e $$file || file=scripts/$${tool#gomem-}; \
		echo "install $$file $(DEST)/usr/bin/$$tool"; \
		sed "s|$$file|$$tool|g" $$file >$(DEST)/usr/bin/$$tool; \
		chmod 755 $(DEST)/usr/bin/$$tool; \
		scripts/lib/mkman.sh $(DEST)/usr/bin/$$tool $(VERSION) >$(DEST)/usr/share/man/man1/$$tool.1; \
		chmod 644 $(DEST)/usr/share/man/man1/$$tool.1; \
	done

doc_install:
	install -d $(addprefix $(DEST)$(DOCDIR)/,Documentation/plots Documentation/figures examples)
	install -m 644 README.md $(DEST)$(DOCDIR)
	install -m 644 Documentation/*.rst $(DEST)$(DOCDIR)/Documentation
	install -m 644 Documentation/plots/*.svg $(DEST)$(DOCDIR)/Documentation/plots
	install -m 644 Documentation/figures/*.svg $(DEST)$(DOCDIR)/Documentation/figures
	install -m 644 tests/examples/*.c tests/examples/Kbuild $(DEST)$(DOCDIR)/examples

# Remove what "make install" installed, for all kernels.
uninstall:
	@DEST='$(DEST)' MODULES='$(MODULES)' DOCDIR='$(DOCDIR)' TOOLS='$(TOOLS)' DEPMOD='$(DEPMOD)' \
		scripts/uninstall

# Copy what DKMS needs, and no more: DKMS copies the directory again for each
# build.
dkms_source:
	install -d $(DEST)$(SRCDIR)
	find Kbuild COPYING gomem include scripts/dkms-keep \( -name '*.[ch]' -o -name 'Kbuild*' \
		-o -name COPYING -o -name dkms-keep \) -not -name '*.mod.c' \
		-exec cp --parents --preserve=mode -t $(DEST)$(SRCDIR) {} +
	sed 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(VERSION)"/' dkms.conf >$(DEST)$(SRCDIR)/dkms.conf
	chmod -R u=rwX,go=rX $(DEST)$(SRCDIR)

# Make's jobs are not for the make that DKMS runs: see scripts/lib/common.sh.
DKMS := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dkms

# Build and install with DKMS, for the running kernel or for KERNELRELEASE=.
dkms:
	+$(MAKE) dkms_uninstall
	+$(MAKE) dkms_source
	$(DKMS) add -m gomem -v $(VERSION)
	$(DKMS) install -m gomem -v $(VERSION) -k $(KERNELRELEASE)

# Remove all versions of gomem from DKMS: the version of this tree may have
# changed since gomem was installed.
dkms_uninstall:
	@DEST='$(DEST)' scripts/dkms-uninstall

deb:
	@scripts/mkdeb

version:
	@echo $(VERSION)

clean:
	rm -rf build
	find . \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name 'Module.symvers' -o -name 'modules.order' \
		-o -name '*.gcno' -o -name '*.gcda' \) \
		-not -path './.git/*' -delete

demo:
	@scripts/demo

check:
	@scripts/runtests

check-all:
	@scripts/runtests --all

static:
	@scripts/check

# scripts/check exits with 4 if it skipped a check. That is no failure here.
lint:
	@scripts/check --lint || test $$? = 4

hooks:
	@scripts/pre-commit --install

kunit:
	@scripts/runtests kunit

selftest:
	@scripts/runtests selftest

# SCENARIO=, KERNEL= and MODE= select what to measure, with commas between
# several. SWEEP=full measures many more sizes, SIZES= the sizes that it lists.
# TRACES= names traces to replay instead of those in tests/traces.
bench:
	@scripts/bench $(if $(SCENARIO),--scenario=$(SCENARIO)) $(if $(KERNEL),--kernel=$(KERNEL)) \
		$(if $(MODE),--mode=$(MODE)) $(if $(SWEEP),--sweep=$(SWEEP)) \
		$(if $(SIZES),--sizes=$(SIZES)) $(TRACES)

# FILES= names files of gomem/: for them, print the lines that no suite executed.
coverage:
	@scripts/coverage $(FILES)

htmldocs:
	@scripts/htmldocs

compile_commands.json: modules
	@python3 scripts/lib/compile_commands.py $(BUILD) $(KDIR) >$@.new
	@mv $@.new $@

tags:
	@command -v ctags >/dev/null || { \
		echo 'make: ctags is missing; run: apt-get install universal-ctags' >&2; exit 1; }
	@find gomem include tests -name '*.[ch]' -not -name '*.mod.c' | sort | \
		ctags --c-kinds=+px --fields=+S -I __init,__exit,__always_inline,__percpu,__rcu -L - -f $@

help:
	@echo 'gomem: a Go-style memory allocator for kernel modules'
	@echo
	@echo '  make                    build gomem.ko here, for the running kernel or KDIR='
	@echo '  make KERNEL=NAME        build for a kernel of scripts/vm, in build/NAME, with test modules'
	@echo '                          (those of TESTS=, directories in tests/; default: all)'
	@echo '  make demo               set up, build, boot a test VM, run the example client in it'
	@echo '  make check              set up and run all tests on the kernels that matter most'
	@echo '  make check-all          all tests on all kernels; takes hours'
	@echo '  make static             only the static checks'
	@echo '  make lint               only the checks that build nothing'
	@echo '  make hooks              run these checks on the files of each git commit'
	@echo '  make kunit              only the KUnit suites, with KASAN and lockdep'
	@echo '  make selftest           only the self-tests'
	@echo '  make bench              cost and memory held, beside kmalloc() (scripts/bench --help)'
	@echo '  make coverage           lines of gomem that the tests execute (FILES=: those they do not)'
	@echo '  make compile_commands.json'
	@echo '                          build, and tell clangd how (KERNEL=, KDIR= as for make)'
	@echo '  make tags               an index of the sources for editors, with ctags'
	@echo '  make htmldocs           the manual of Documentation/ as web pages, in build/html'
	@echo '  make install            install module, header, symbol versions, tools and documents, and'
	@echo '                          run depmod (DESTDIR=, INSTALL_MOD_PATH=, DEPMOD=)'
	@echo '  make uninstall          remove all installed files, for all kernels (with the same variables)'
	@echo '  make dkms               install with DKMS, for the running kernel or KERNELRELEASE=;'
	@echo '                          make dkms_uninstall removes it'
	@echo '  make deb                build the packages gomem-dkms and gomem-dev, in build/deb'
	@echo '  make clean              remove everything that was built'
