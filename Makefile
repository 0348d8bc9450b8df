# SPDX-License-Identifier: GPL-2.0
# For people; what the module is made of is said in Kbuild.

KERNELRELEASE ?= $(shell uname -r)
VM := $(CURDIR)/scripts/vm

# make KERNEL=name builds for a kernel that scripts/vm knows, apart from the
# sources in build/name; plain make builds here, for the running kernel or for
# what KDIR says.
ifdef KERNEL
KDIR ?= $(shell $(VM) kdir $(KERNEL))
BUILD := $(CURDIR)/build/$(KERNEL)
else
BUILD := $(CURDIR)
ifeq ($(origin KDIR),undefined)
ifneq ($(wildcard /lib/modules/$(KERNELRELEASE)/build/Makefile),)
KDIR := /lib/modules/$(KERNELRELEASE)/build
else
# Expanded by recipes only: it may fetch headers.
KDIR = $(shell $(VM) kdir stock)
OTHER_KERNEL := 1
endif
endif
endif

# As many at once as there are CPUs, unless whoever calls decides that.
ifdef KERNEL
ifeq ($(filter -j% --jobs%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif

V ?= 0
KMAKE = +$(MAKE) -C $(KDIR) V=$(V)
SOURCES = find Kbuild gomem include tests \( -name '*.[ch]' -o -name 'Kbuild*' -o -name Makefile \) \
	-not -name '*.mod.c'

.PHONY: modules all-modules modules_install headers_install install clean help
.PHONY: demo check check-all static kunit selftest bench

modules: all-modules
	@:

ifdef KERNEL
# Kernels up to 6.12 do not look at KBUILD_EXTRA_SYMBOLS when they decide whether the versions
# that a module asks for have to be looked up again.
#
# Test modules too, of these directories: gomem_kunit only where the kernel has KUnit.
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

# A tree of links, so that one source is built for several kernels.
$(BUILD): FORCE
	@mkdir -p $@
	@find $@ -xtype l -name '*.c' | sed 's/c$$/ko/' | xargs rm -f
	@find $@ -xtype l -delete
	@$(SOURCES) -printf '%h\n' | sort -u | sed 's|^|$@/|' | xargs mkdir -p
	@$(SOURCES) -type f | while read -r f; do \
		test "$$(readlink $@/$$f)" = "$(CURDIR)/$$f" || ln -sf "$(CURDIR)/$$f" $@/$$f; \
	done
else
all-modules:
	$(say_other_kernel)
	$(KMAKE) M=$(BUILD) modules
	$(say_other_kernel)
endif

# Said before and after what the kernel's make prints.
ifdef OTHER_KERNEL
define say_other_kernel
@{ \
	echo 'make: There are no headers of the running kernel, $(KERNELRELEASE).'; \
	echo "make: This gomem.ko is for Debian's 6.1 in scripts/vm. It does not load here."; \
	echo 'make: Install linux-headers-$(KERNELRELEASE), or name headers with KDIR=.'; \
} >&2
endef
endif

FORCE:

# The kernel's make runs no depmod if there is no System.map, and packages with headers
# have none. Whoever builds a package sets DEPMOD=true.
DEPMOD ?= depmod

modules_install: modules
ifdef OTHER_KERNEL
	$(if $(INSTALL_MOD_PATH),,$(error nothing is installed without INSTALL_MOD_PATH=: it would not load))
endif
	$(KMAKE) M=$(BUILD) modules_install
	PATH=$$PATH:/usr/sbin:/sbin; \
	$(DEPMOD) $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) \
		$$(modinfo -F vermagic $(BUILD)/gomem/gomem.ko | cut -d ' ' -f 1)

# What another module is built with: the header, and the symbols' versions.
headers_install: modules
	install -d $(DESTDIR)/usr/include/gomem/linux
	install -m 644 include/linux/*.h $(DESTDIR)/usr/include/gomem/linux
	install -m 644 $(BUILD)/Module.symvers $(DESTDIR)/usr/include/gomem

install: modules_install headers_install

clean:
	rm -rf build
	find . \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name 'Module.symvers' -o -name 'modules.order' \) \
		-not -path './.git/*' -delete

demo:
	@scripts/demo

check:
	@scripts/runtests

check-all:
	@scripts/runtests --all

static:
	@scripts/check

kunit:
	@scripts/runtests kunit

selftest:
	@scripts/runtests selftest

# Of one scenario, one kernel, in one mode: SCENARIO=, KERNEL=, MODE=. Traces of one's
# own: TRACES=.
bench:
	@scripts/bench $(if $(SCENARIO),--scenario=$(SCENARIO)) $(if $(KERNEL),--kernel=$(KERNEL)) \
		$(if $(MODE),--mode=$(MODE)) $(TRACES)

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
	@echo '  make kunit              only the KUnit suites, with KASAN and lockdep'
	@echo '  make selftest           only the self-tests'
	@echo '  make bench              cost and memory held, beside kmalloc() (scripts/bench --help)'
	@echo '  make install            install module, header and symbols, and run depmod'
	@echo '                          (DESTDIR=, INSTALL_MOD_PATH=, DEPMOD=)'
	@echo '  make clean              remove everything that was built'
