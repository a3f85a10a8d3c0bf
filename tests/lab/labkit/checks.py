# SPDX-License-Identifier: GPL-2.0-or-later
"""What the profile of the scenario `stock` must show: one function a statement, each yields what is wrong."""

import collections

from labkit import domains

# Least shares of hot functions in their half of a guest's samples, once its workload runs; the rest is system calls
# and ticks. Measured on an idle machine: 0.9 and 0.45; 0.19 for batch's kernel by the clock of a busy one.
MIN_USER_SHARE = 0.6
MIN_KERNEL_SHARE = 0.1
MIN_SAMPLES = 200
# Between the scenario's clock and the samples', in seconds.
CLOCK_SLACK = 0.1
OWNERS = ("guest", "hypervisor", "host", "idle", "unknown", "lost", "filtered")


class Profile:
    """A report with a row for each owner, domain, mode, image and symbol."""

    def __init__(self, report):
        self.totals = report["totals"]
        self.unresolved = report["unresolved"]
        self.domains = {domain["name"]: domain for domain in self.totals["domains"]}
        self.rows = report["entries"]

    def select(self, **wanted):
        """The rows whose columns have these values, the one with most samples first."""
        found = [row for row in self.rows
                 if all(row[column] == value for column, value in wanted.items())]
        return sorted(found, key=lambda row: -row["samples"])

    def samples(self, **wanted):
        return sum(row["samples"] for row in self.select(**wanted))


def describe(row):
    return f"{row['image']} {row['symbol']} ({row['samples']} samples)"


def sums_hold(profile):
    totals = profile.totals
    parts = sum(totals[owner] for owner in OWNERS)
    if parts != totals["total"]:
        yield f"owners sum up to {parts}, the total is {totals['total']}"
    in_domains = sum(domain["samples"] for domain in profile.domains.values())
    if in_domains != totals["guest"]:
        yield f"domains sum up to {in_domains}, the owner guest has {totals['guest']}"
    in_rows = profile.samples()
    if in_rows != totals["total"] - totals["lost"]:
        yield f"rows sum up to {in_rows}, total less lost is {totals['total'] - totals['lost']}"
    for name, domain in profile.domains.items():
        in_rows = profile.samples(owner="domain", domain=name)
        if not in_rows == domain["samples"] == domain["kernel"] + domain["user"]:
            yield (f"{name}: rows have {in_rows} samples, the domain {domain['samples']}, kernel and "
                   f"user {domain['kernel']} + {domain['user']}")


def little_is_lost(profile):
    totals = profile.totals
    if totals["lost"] > totals["total"] / 20:
        yield f"{totals['lost']} of {totals['total']} samples are lost"
    if totals["unknown"]:
        yield f"{totals['unknown']} samples have no known mode"


def domains_are_known(profile, results):
    for guest in domains.GUESTS.values():
        domain = profile.domains.get(guest.name)
        if domain is None:
            yield f"no domain {guest.name}; there are: {', '.join(profile.domains)}"
            continue
        expected = {"uuid": guest.uuid, "vmm": "qemu", "pid": results.vmm_pid(guest.name),
                    "vcpus": guest.vcpus}
        for key, value in expected.items():
            if domain[key] != value:
                yield f"{guest.name}: {key} is {domain[key]}, not {value}"
        if domain["samples"] < MIN_SAMPLES:
            yield f"{guest.name}: only {domain['samples']} samples"
    for name in profile.domains.keys() - domains.GUESTS.keys():
        yield f"a domain {name} that never was"


def list_is_right(listing, samples):
    """`hvprof list`, taken before the session: who runs, and on which threads the samples then are."""
    listed = {domain["name"]: domain for domain in listing["domains"]}
    if sorted(listed) != ["db", "web"]:
        yield f"hvprof list has {', '.join(sorted(listed))}; web and db ran"
    tids = collections.defaultdict(set)
    for sample in samples:
        if sample["mode"].startswith("guest"):
            tids[sample["domain"]].add((sample["vcpu"], sample["tid"]))
    for name, domain in listed.items():
        if domain["uuid"] != domains.GUESTS[name].uuid:
            yield f"hvprof list: {name} has the uuid {domain['uuid']}"
        vcpus = {(vcpu["vcpu"], vcpu["tid"]) for vcpu in domain["vcpus"]}
        if vcpus != tids[name]:
            yield f"{name}: vCPUs and threads are {vcpus} in hvprof list, {tids[name]} in the samples"


def _leads(rows, names, image, min_share):
    """Whether one of the names leads the resolved rows with at least that share of all of them."""
    total = sum(row["samples"] for row in rows)
    resolved = [row for row in rows if not row["unresolved"]]
    if not resolved:
        return "no row has a symbol"
    first = resolved[0]
    if first["symbol"] not in names or first["image"] != image:
        return f"{describe(first)} leads, not {image} {' or '.join(names)}"
    if first["samples"] < min_share * total:
        return f"{describe(first)} leads, but has less than {min_share:.0%} of {total}"
    return None


def hot_functions_lead(hvprof, results, *options, event=None):
    """From the moment on at which the guest's workload runs; what came before is its boot. `event` is None for one that
    counts time. Of branches a hot function may have a smaller share than of time, so it is enough that it leads."""
    min_share = 0 if event == "branches" else MIN_KERNEL_SHARE
    for guest in domains.GUESTS.values():
        start = results.seconds_of("vm_ready", guest.name) - hvprof.start_time() / 1e9
        profile = Profile(hvprof.report(f"--time={max(start, 0):.3f}-", *options))
        kernel = profile.select(owner="domain", domain=guest.name, mode="guest-kernel")
        user = profile.select(owner="domain", domain=guest.name, mode="guest-user")
        wrong = _leads(kernel, guest.hot_kernel, guest.kernel_image, min_share)
        if wrong and event not in guest.kernel_lacks:
            yield f"{guest.name}, kernel: {wrong}"
        wrong = _leads(user, (guest.hot_user,), guest.name, MIN_USER_SHARE)
        if wrong:
            yield f"{guest.name}, user space: {wrong}"


def no_symbol_is_borrowed(profile):
    """What only one domain runs is seen in no other, nor in the host."""
    owners = {guest.hot_user: guest.name for guest in domains.GUESTS.values()}
    owners["wp512_process_buffer"] = "db"
    owners[domains.HOST_HOT_USER] = None
    for row in profile.rows:
        owner = "domain" if owners.get(row["symbol"]) else "host"
        if row["symbol"] in owners and (row["owner"], row["domain"]) != (
                owner, owners[row["symbol"]]):
            yield f"{describe(row)} under {row['owner']} {row['domain']}"
        is_program = row["image"] in domains.GUESTS
        if is_program and (row["owner"], row["domain"]) != ("domain", row["image"]):
            yield f"{describe(row)} under {row['owner']} {row['domain']}"


def _vendor_image(model):
    """How hvprof names the vendor's part of KVM."""
    return f"[{model.kvm_module.replace('-', '_')}]"


def hypervisor_and_host_are_named(profile, model):
    # Without NMIs svm_vcpu_run() itself is never seen: it runs with all interrupts held off, the timer's too.
    vendor = (_vendor_image(model), model.kvm_prefix)
    for image, prefix in (("[kvm]", "kvm_arch_vcpu_ioctl_run"), vendor):
        rows = profile.select(owner="hypervisor", image=image)
        if not any(row["symbol"].startswith(prefix) for row in rows if not row["unresolved"]):
            yield f"hypervisor: no {image} {prefix}; there are: {', '.join(map(describe, rows[:5]))}"
    user = profile.select(owner="host", mode="host-user")
    wrong = _leads(user, (domains.HOST_HOT_USER,), "hostburn", MIN_USER_SHARE)
    if wrong:
        yield f"host, user space: {wrong}"
    kernel = profile.select(mode="host-kernel")
    total = sum(row["samples"] for row in kernel)
    resolved = sum(row["samples"] for row in kernel if not row["unresolved"])
    if resolved < 0.99 * total:
        yield f"host kernel: only {resolved} of {total} samples have a symbol"


def unresolved_samples_stay(profile):
    """libc in a guest has a random address: it is there, as [guest user], with the reason."""
    rows = [row for row in profile.select(owner="domain", domain="web", mode="guest-user")
            if row["unresolved"]]
    if not rows:
        yield "web: libc's samples are gone"
    for row in profile.rows:
        if row["unresolved"] and not row["image"]:
            yield f"{describe(row)} has a reason, {row['unresolved']}, and no image"
    by_reason = collections.Counter()
    for row in profile.rows:
        if row["unresolved"]:
            by_reason[row["unresolved"]] += row["samples"]
    for entry in profile.unresolved:
        if by_reason[entry["reason"]] != entry["samples"]:
            yield (f"the head says {entry['samples']} samples {entry['reason']}, the rows "
                   f"{by_reason[entry['reason']]}")
        if not entry["text"]:
            yield f"no words for the reason {entry['reason']}"


def chains_are_the_hosts(samples, model):
    """The host's stack is no caller of a guest's function; in KVM it leads to the vCPU's ioctl."""
    in_guest = [sample for sample in samples if sample["mode"].startswith("guest")]
    wrong = [sample for sample in in_guest if sample["chain"]]
    if wrong:
        yield f"{len(wrong)} of {len(in_guest)} guest samples have a chain: {wrong[0]['chain']}"
    in_kvm = [sample for sample in samples
              if sample["owner"] == "hypervisor" and sample["image"] in ("[kvm]", _vendor_image(model))]
    right = [sample for sample in in_kvm if "kvm_vcpu_ioctl" in (sample["chain"] or "")]
    if len(right) < 0.8 * len(in_kvm) or not right:
        yield f"only {len(right)} of {len(in_kvm)} samples in KVM come from kvm_vcpu_ioctl"


def lifetimes_are_right(samples, start_time, results):
    """`start_time` is the session's, in nanoseconds of the clock that the timeline has."""
    times = collections.defaultdict(list)
    for sample in samples:
        if sample["mode"].startswith("guest"):
            times[sample["domain"]].append((start_time + sample["time"]) / 1e9)
    start = start_time / 1e9
    stop = results.seconds_of("profile_end") + CLOCK_SLACK
    killed = results.seconds_of("vm_gone", "web") + CLOCK_SLACK
    started = results.seconds_of("vm_start", "batch") - CLOCK_SLACK
    for domain, first, last in (("web", start, killed), ("db", start, stop),
                                ("batch", started, stop)):
        if not times[domain]:
            yield f"{domain}: no sample"
            continue
        if min(times[domain]) < first or max(times[domain]) > last:
            yield (f"{domain}: samples from {min(times[domain]):.2f} to {max(times[domain]):.2f} s; "
                   f"it ran from {first:.2f} to {last:.2f} s")
        # It did run all of that time; what is missing is hvprof's start and a VMM's, on a busy machine.
        if max(times[domain]) - min(times[domain]) < 0.4 * (last - first):
            yield (f"{domain}: samples only from {min(times[domain]):.2f} to "
                   f"{max(times[domain]):.2f} s; it ran from {first:.2f} to {last:.2f} s")


def without_images(hvprof, profile):
    """Nothing is given for the guests: their samples stay, unresolved, and no name comes from elsewhere."""
    bare = Profile(hvprof.report(images=[]))
    yield from sums_hold(bare)
    for name, domain in profile.domains.items():
        if bare.domains[name]["samples"] != domain["samples"]:
            yield f"{name}: {bare.domains[name]['samples']} samples, {domain['samples']} with images"
    named = [row for row in bare.select(owner="domain") if not row["unresolved"]]
    if named:
        yield f"guests without images have names: {describe(named[0])}"


def with_swapped_images(hvprof, results, profile):
    """web is given db's kallsyms, whose KASLR offset is another: that must be said, not believed."""
    if results.kernel_text("web") == results.kernel_text("db"):
        return  # one chance in some hundreds
    images = ["--guest", f"web=kallsyms:{results.guest_file('db', 'kallsyms')},"
                         f"modules:{results.guest_file('db', 'modules')}"]
    swapped = Profile(hvprof.report(images=images))
    rows = swapped.select(owner="domain", domain="web", mode="guest-kernel")
    named = sum(row["samples"] for row in rows if not row["unresolved"])
    total = profile.domains["web"]["kernel"]
    reasons = {row["unresolved"] for row in rows}
    if named > total / 20 or "mismatch" not in reasons:
        yield (f"web with db's kallsyms: {named} of {total} kernel samples have a name; the reasons are "
               f"{', '.join(sorted(str(reason) for reason in reasons))}")


def with_maps(hvprof, results):
    """With the maps of web's process, libc is found at its random address as well."""
    images = results.guest_option("web", f"maps:{results.guest_file('web', 'maps')}")
    profile = Profile(hvprof.report(images=images))
    rows = profile.select(owner="domain", domain="web", mode="guest-user")
    if not any(row["image"].startswith("libc.so") and not row["unresolved"] for row in rows):
        yield f"web with maps: no symbol of libc; there are: {', '.join(map(describe, rows[:5]))}"


def annotations(hvprof):
    """A function of a guest's program is shown with its source lines and its instructions."""
    for guest in domains.GUESTS.values():
        text = hvprof.run("annotate", guest.hot_user)
        for wanted in (guest.hot_user, f"{guest.name}.c"):
            if wanted not in text:
                yield f"annotate {guest.hot_user}: no {wanted} in\n{text[:2000]}"


def kernel_annotation(hvprof):
    """With vmlinux, a function of a relocated guest's kernel has its source lines too."""
    function = domains.GUESTS["web"].hot_kernel[0]
    text = hvprof.run("annotate", function)
    if "sha1.c:" not in text:
        yield f"annotate {function}: no line of sha1.c in\n{text[:2000]}"
