# SPDX-License-Identifier: GPL-2.0-or-later
# In Xen's source: what xen/Makefile makes before the first object, up to the objects.
include Makefile

hvpmu-prepare: tools_fixdep FORCE
	$(Q)$(MAKE) $(build)=tools
	$(Q)$(MAKE) $(build)=. include/xen/compile.h
	$(Q)$(MAKE) $(build)=include all
	$(Q)$(MAKE) $(build)=arch/$(SRCARCH) include
	$(Q)$(MAKE) $(build)=. arch/$(SRCARCH)/include/asm/asm-offsets.h
