import Foundation
import Yams

/// A configuration file, checked before its values are read. It reports all faults together, each with its line.
package struct SettingsFile {
    let path: String
    private(set) var faults: [ConfigurationError] = []
    private var lines: [String: Int] = [:]
    private var hasSecrets = false

    /// Reads a file. It throws only if the file is not YAML at all.
    init(_ path: String) throws(ConfigurationError) {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .unreadableFile(path, reason: Self.reason(path))
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw .unreadableFile(path, reason: "it is not UTF-8; save it as UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .unreadableFile(path, reason: Self.sentence(error))
        }
        guard let root else { return }
        // The file contains only comments.
        if root.scalar?.string.isEmpty == true { return }
        guard let mapping = root.mapping else {
            throw .unreadableFile(path, reason: "it does not hold keys and values, such as amqp: and below it url: ...")
        }
        read(mapping, below: "")
    }

    /// The place of a key: the file and the line.
    func place(of key: String) -> String? { lines[key].map { "\(path):\($0)" } }

    /// A warning if the file contains passwords and everybody may read it; nil otherwise.
    package static func exposure(of path: String) -> String? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? NSNumber, mode.intValue & 0o004 != 0,
            let file = try? SettingsFile(path), file.hasSecrets
        else { return nil }
        return
            "\(path) has passwords in it and can be read by everybody; chmod o= it, or keep them in files that KENTONGAN_..._FILE name"
    }

    private static func reason(_ path: String) -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return "there is no such file"
        }
        return isFolder.boolValue ? "it is a folder" : "it may not be read; mend its permissions"
    }

    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? YamlError else { return "it is not YAML" }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let hint = problem.contains("cannot start any token") ? "; indent by spaces, not tabs" : ""
            return "line \(mark.line): it is not YAML: \(problem)\(hint)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map(\.description).sorted().joined(separator: ", ")
            return "line \(context.mark.line): \(names) is there twice"
        default: return "it is not YAML"
        }
    }

    private mutating func read(_ mapping: Node.Mapping, below path: String) {
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                faults.append(.badForm(place: place(key), reason: "a key is a word"))
                continue
            }
            read(value, of: path + name, at: key)
        }
    }

    private mutating func read(_ value: Node, of name: String, at key: Node) {
        if let setting = SettingKey.named(name) {
            lines[name] = key.mark?.line
            check(value, of: setting)
        } else if SettingKey.sections.contains(name) {
            checkSection(value, name, at: key)
        } else {
            let candidates = SettingKey.all.map(\.name) + SettingKey.sections
            faults.append(
                .unknownKey(name, place: place(key), nearest: NearestName.of(name, among: candidates)))
        }
    }

    private mutating func checkSection(_ value: Node, _ name: String, at key: Node) {
        guard let mapping = value.mapping else {
            let isEmpty = value.scalar?.string.isEmpty == true || value.scalar?.string == "null"
            let problem = isEmpty ? "is a section with nothing in it" : "is a section, and takes no value itself"
            faults.append(
                .badForm(place: place(key), reason: "\(name) \(problem); put its keys below it, or take it away"))
            return
        }
        if mapping.isEmpty {
            faults.append(.badForm(place: place(key), reason: "\(name) is a section with nothing in it; take it away"))
        }
        read(mapping, below: name + ".")
    }

    /// Checks the form of a value. A list is refused where one value belongs, but one value counts as a list of one.
    private mutating func check(_ value: Node, of key: SettingKey) {
        func fault(_ reason: String) {
            faults.append(.badValue(key: key.name, place: place(of: key.name), reason: reason))
        }
        if value.mapping != nil { return fault("it takes \(key.isList ? "a list" : "one value"), not keys of its own") }
        guard let list = value.sequence else {
            hasSecrets = hasSecrets || key.holdsSecret(value.scalar?.string ?? "")
            return
        }
        guard key.isList else { return fault("it takes one value, not a list; write it without [ ] and -") }
        hasSecrets = hasSecrets || list.contains { key.holdsSecret($0.scalar?.string ?? "") }
        if list.contains(where: { $0.scalar == nil }) { fault("each of its values is a plain text or number") }
    }

    private func place(_ node: Node) -> String { "\(path):\(node.mark?.line ?? 1)" }
}
