/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/kvm/libvirt_status.h"

/* As libvirt writes it, with names at other places that are not the domain's. */
#define STATUS                                                                                     \
	"<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE. <domstatus pid='1'> -->\n"                 \
	"<domstatus state='running' reason='booted' pid='17150'>\n"                                \
	"  <taint flag='high-privileges'/>\n"                                                      \
	"  <monitor path='/var/lib/libvirt/qemu/domain-59-a/monitor.sock' type='unix'/>\n"         \
	"  <vcpus>\n    <vcpu id='0' pid='17156'/>\n    <vcpu id=\"2\" pid=\"17158\"/>\n"          \
	"    <vcpu id='3' pid='0'/>\n    <vcpu id='4' pid='x'/>\n  </vcpus>\n"                     \
	"  <qemuCaps><flag name='kvm'/></qemuCaps>\n"                                              \
	"  <domain type='kvm' id='59'>\n"                                                          \
	"    <name>a&amp;b &lt;c&gt;</name>\n"                                                     \
	"    <uuid>78177d07-ac0e-4057-b1de-9ccd66cbc3d7</uuid>\n"                                  \
	"    <metadata><nova:name>x</nova:name><name>y</name><uuid>z</uuid></metadata>\n"          \
	"    <title>x > y</title>\n"                                                               \
	"    <vcpu placement='static' pid='9'>4</vcpu>\n"                                          \
	"    <source file='/a>b'/>\n"                                                              \
	"  </domain>\n"                                                                            \
	"</domstatus>\n"

static void a_status_file_tells_name_uuid_and_threads(void **state)
{
	struct hvp_libvirt_status status;

	(void)state;
	assert_ok(hvp_libvirt_status_parse("x", STATUS, strlen(STATUS), &status));
	assert_int_equal(status.pid, 17150);
	assert_string_equal(status.name, "a&b <c>");
	assert_string_equal(status.uuid, "78177d07-ac0e-4057-b1de-9ccd66cbc3d7");
	assert_int_equal(status.num_vcpus, 2);
	assert_int_equal(status.vcpus[0].vcpu, 0);
	assert_int_equal(status.vcpus[0].tid, 17156);
	assert_int_equal(status.vcpus[1].vcpu, 2);
	assert_int_equal(status.vcpus[1].tid, 17158);
	hvp_libvirt_status_deinit(&status);
}

static void vcpus_without_a_number_count_from_zero(void **state)
{
	static const char text[] = "<domstatus pid='5'><vcpus><vcpu pid='6'/><vcpu pid='7'/>"
				   "</vcpus><domain><name>old</name></domain></domstatus>";
	struct hvp_libvirt_status status;

	(void)state;
	assert_ok(hvp_libvirt_status_parse("x", text, strlen(text), &status));
	assert_int_equal(status.num_vcpus, 2);
	assert_int_equal(status.vcpus[1].vcpu, 1);
	assert_int_equal(status.vcpus[1].tid, 7);
	assert_string_equal(status.uuid, "");
	hvp_libvirt_status_deinit(&status);
}

static void what_is_no_status_file_is_refused(void **state)
{
	static const struct {
		const char *text, *part;
	} files[] = {
		{"", "ends before"},
		{"text", "ends before"},
		{"<domain><name>x</name></domain>", "not <domstatus"},
		{"</domstatus pid='1'>", "not <domstatus"},
		{"<domstatus pid='1'/>", "not <domstatus"},
		{"<domstatus>", "not <domstatus"},
		{"<domstatus pid='0'>", "not <domstatus"},
		{"<domstatus pid='4294967296'>", "not <domstatus"},
		{"<domstatus pid='-1'>", "not <domstatus"},
		{"<domstatus pid=1>", "not <domstatus"},
		{"<domstatus pid='1", "tag does not end"},
		{"<", "tag does not end"},
		{"<domstatus pid='1'><!-- ", "comment does not end"},
		{"<!DOCTYPE a [<!ENTITY b \"bb\">]><domstatus pid='1'>", "declaration"},
		{"<domstatus pid='1'></domstatus>", "no name"},
		{"<domstatus pid='1'><domain><name></name></domain></domstatus>", "no name"},
	};
	struct hvp_libvirt_status status;
	char deep[4096] = "<domstatus pid='1'>";

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_error(hvp_libvirt_status_parse("x", files[i].text, strlen(files[i].text),
						      &status),
			     HVP_ERROR_FORMAT, files[i].part);
	for (int i = 0; i < 1000; i++)
		strcat(deep, "<a>");
	assert_error(hvp_libvirt_status_parse("x", deep, strlen(deep), &status), HVP_ERROR_FORMAT,
		     "nested too deeply");
	/* Cut off anywhere but in the newline at its end. */
	for (size_t size = 0; size < strlen(STATUS) - 1; size++) {
		char *cut = malloc(size + 1);

		memcpy(cut, STATUS, size);
		assert_error(hvp_libvirt_status_parse("x", cut, size, &status), HVP_ERROR_FORMAT,
			     "x");
		free(cut);
	}
}

static void a_domain_is_found_by_name_or_by_process(void **state)
{
	struct hvp_libvirt_status status;
	struct fixture_tree tree;

	(void)state;
	fixture_tree_init(&tree);
	assert_error(hvp_libvirt_find(&tree.roots, 17150, "", &status), HVP_ERROR_NOT_FOUND,
		     "17150");
	fixture_write(&tree, "run/libvirt/qemu/web.xml", STATUS);
	fixture_write(&tree, "run/libvirt/qemu/aaa.xml", "broken");
	fixture_write(&tree, "run/libvirt/qemu/web.pid", "17150");
	fixture_write(&tree, "run/libvirt/ch/cloud.xml",
		      "<domstatus pid='8'><domain><name>cloud</name></domain></domstatus>");
	assert_ok(hvp_libvirt_find(&tree.roots, 17150, "web", &status));
	hvp_libvirt_status_deinit(&status);
	assert_ok(hvp_libvirt_find(&tree.roots, 17150, "", &status));
	hvp_libvirt_status_deinit(&status);
	assert_ok(hvp_libvirt_find(&tree.roots, 8, "", &status));
	assert_string_equal(status.name, "cloud");
	hvp_libvirt_status_deinit(&status);
	/* Its name is another process's, or another's file. */
	assert_error(hvp_libvirt_find(&tree.roots, 1, "web", &status), HVP_ERROR_NOT_FOUND, "1");
	assert_error(hvp_libvirt_find(&tree.roots, 8, "../ch/cloud", &status), HVP_ERROR_NOT_FOUND,
		     "8");
	assert_error(hvp_libvirt_find(&tree.roots, 8, "aaa", &status), HVP_ERROR_FORMAT, "aaa.xml");
	fixture_tree_deinit(&tree);
}

static void only_what_root_or_we_wrote_is_believed(void **state)
{
	struct hvp_libvirt_status status;
	struct fixture_tree tree;
	char path[128];

	(void)state;
	fixture_tree_init(&tree);
	fixture_write(&tree, "run/libvirt/qemu/web.xml", STATUS);
	snprintf(path, sizeof(path), "%s/run/libvirt/qemu/web.xml", tree.path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_error(hvp_libvirt_find(&tree.roots, 17150, "web", &status), HVP_ERROR_PERMISSION,
		     "others than root");
	assert_error(hvp_libvirt_find(&tree.roots, 17150, "", &status), HVP_ERROR_NOT_FOUND, "");
	assert_int_equal(chmod(path, 0600), 0);
	/* Only root can give a file away; root's own files are all there is otherwise. */
	if (!geteuid()) {
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_error(hvp_libvirt_find(&tree.roots, 17150, "web", &status),
			     HVP_ERROR_PERMISSION, "others than root");
	}
	fixture_symlink(&tree, "run/libvirt/qemu/link.xml", path);
	assert_error(hvp_libvirt_find(&tree.roots, 17150, "link", &status), HVP_ERROR_OS, "open");
	snprintf(path, sizeof(path), "%s/run/libvirt/qemu/fifo.xml", tree.path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_error(hvp_libvirt_find(&tree.roots, 17150, "fifo", &status), HVP_ERROR_PERMISSION,
		     "fifo");
	fixture_tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_file_tells_name_uuid_and_threads),
		cmocka_unit_test(vcpus_without_a_number_count_from_zero),
		cmocka_unit_test(what_is_no_status_file_is_refused),
		cmocka_unit_test(a_domain_is_found_by_name_or_by_process),
		cmocka_unit_test(only_what_root_or_we_wrote_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
