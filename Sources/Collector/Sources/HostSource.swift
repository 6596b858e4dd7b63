// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Chassis, vendor, model and virtualization from /sys, for machines whose bus does not tell.
///
/// The rules are those of systemd's hostnamed and detect-virt as far as files go; CPUID is not asked.
struct HostReader {
    let sysRoot: String
    let procRoot: String

    func read(_ buffer: ReadBuffer) -> HostDescription {
        let dmi = sysRoot + "/class/dmi/id/"
        func text(_ path: String) -> String { (try? readSmallFile(path, buffer)) ?? "" }
        let vendor = text(dmi + "sys_vendor")
        let product = text(dmi + "product_name")
        let virtualization = virtualization(
            hypervisor: text(sysRoot + "/hypervisor/type"),
            dmi: [
                product, vendor, text(dmi + "board_vendor"), text(dmi + "bios_vendor"), text(dmi + "product_version"),
            ],
            deviceTree: text(procRoot + "/device-tree/hypervisor/compatible"),
            cpuFlags: { text(procRoot + "/cpuinfo") })
        var chassis = chassisName(text(dmi + "chassis_type"))
        if chassis.isEmpty { chassis = text(procRoot + "/device-tree/chassis-type") }
        if !virtualization.isEmpty { chassis = "vm" }
        let model = product.isEmpty ? text(procRoot + "/device-tree/model") : product
        return HostDescription(
            chassis: chassis, vendor: vendor, model: model, virtualization: virtualization, source: "sysfs")
    }

    private func virtualization(
        hypervisor: String, dmi: [String], deviceTree: String, cpuFlags: () -> String
    ) -> String {
        let known: [(String, String)] = [
            ("KVM", "kvm"), ("OpenStack", "kvm"), ("KubeVirt", "kvm"), ("Amazon EC2", "amazon"), ("QEMU", "qemu"),
            ("VMware", "vmware"), ("VMW", "vmware"), ("innotek GmbH", "oracle"), ("VirtualBox", "oracle"),
            ("Xen", "xen"), ("Bochs", "bochs"), ("Parallels", "parallels"), ("BHYVE", "bhyve"),
            ("Hyper-V", "microsoft"), ("Virtual Machine", "microsoft"), ("Apple Virtualization", "apple"),
            ("Google Compute Engine", "google"),
        ]
        // A bare-metal instance of EC2 says "Amazon EC2" too, with a product name that ends in ".metal".
        if let product = dmi.first, product.hasSuffix(".metal") { return "" }
        for value in dmi {
            if let match = known.first(where: { value.hasPrefix($0.0) }) { return match.1 }
        }
        if hypervisor == "xen" || deviceTree.hasPrefix("xen") { return "xen" }
        if deviceTree == "linux,kvm" { return "kvm" }
        if !deviceTree.isEmpty { return "vm-other" }
        for line in cpuFlags().split(separator: "\n", maxSplits: 64) where line.hasPrefix("flags") {
            return line.split(separator: " ").contains("hypervisor") ? "vm-other" : ""
        }
        return ""
    }

    /// SMBIOS 3.5, table 17.
    private func chassisName(_ type: String) -> String {
        switch Int(type) {
        case 3, 4, 6, 7, 13, 35, 36: "desktop"
        case 8, 9, 10, 14: "laptop"
        case 11: "handset"
        case 17, 23, 28, 29: "server"
        case 30: "tablet"
        case 31, 32: "convertible"
        case 33, 34: "embedded"
        default: ""
        }
    }
}
