package import Bulletins
import Foundation
import Storage

/// A set of region codes that takes the place of the present one.
package struct RegionImport: Sendable {
    package let tree: RegionTree
    /// Retired codes with those of today that took their places.
    let replacements: [Region: [Region]]
    /// The regions' file as it was given.
    let bytes: [UInt8]
    private let old: RegionTree

    /// - Parameters:
    ///   - bytes: CSV of all regions: `code,name,level`. `file` names it in errors.
    ///   - successors: CSV of retired codes: `old_code,new_code`.
    package init(regions bytes: [UInt8], file: String, successors: [UInt8]?, old: Registries) throws {
        (self.bytes, self.old) = (bytes, old.regions)
        do {
            tree = try RegionTree(csv: bytes, file: file)
            let named = try successors.map { try RegionSuccessors(csv: $0, file: "the successors' file").all } ?? [:]
            replacements = Self.replacements(by: old.successors.all.merging(named) { _, new in new }, among: tree)
            for (region, codes) in named where !tree.contains(region) && replacements[region] == nil {
                throw OperationError.invalid(
                    "\(codes.map(\.code).joined(separator: ", ")), for \(region), is not among the new regions")
            }
        } catch let error as RegistryError {
            throw OperationError.invalid("\(error)")
        }
    }

    /// A successor may be retired itself, so each is followed to regions that exist.
    private static func replacements(by successors: [Region: [Region]], among tree: RegionTree) -> [Region: [Region]] {
        func present(_ region: Region, _ depth: Int = 0) -> [Region] {
            if tree.contains(region) { return [region] }
            // A circle in the file ends here.
            guard depth < 10 else { return [] }
            return (successors[region] ?? []).flatMap { present($0, depth + 1) }
        }
        return successors.keys.filter { !tree.contains($0) }.reduce(into: [:]) { found, region in
            var codes: [Region] = []
            for code in present(region) where !codes.contains(code) { codes.append(code) }
            if !codes.isEmpty { found[region] = codes }
        }
    }

    func move(_ stored: StoredSubscription) -> MovedSubscription? {
        replacements[stored.subscription.region].map {
            MovedSubscription(
                number: stored.number, address: stored.subscription.endpoint.address,
                from: stored.subscription.region, to: $0)
        }
    }

    /// Names of old and new regions, for the mails to owners.
    var names: [Region: String] {
        var names: [Region: String] = [:]
        for (region, codes) in replacements {
            names[region] = old.contains(region) ? old.fullName(of: region) : nil
            for code in codes { names[code] = tree.fullName(of: code) }
        }
        return names
    }

    /// The successors' file that goes with the new regions.
    var successorsFile: [UInt8] {
        var text = "old_code,new_code,old_name\n"
        for (region, codes) in replacements.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for code in codes { text += "\(region),\(code),\(CSVTable.cell(old.name(of: region) ?? ""))\n" }
        }
        return Array(text.utf8)
    }
}

/// Files that are written in full beside those that they replace, and then renamed into their places.
struct DraftFiles {
    private let paths: [String]

    init(_ files: [String: [UInt8]]) throws {
        for (path, bytes) in files {
            do {
                try Data(bytes).write(to: URL(filePath: path + ".new"))
            } catch {
                throw OperationError.invalid("\(path) cannot be replaced: \(error.localizedDescription)")
            }
        }
        paths = files.keys.sorted()
    }

    func put() throws {
        for path in paths where rename(path + ".new", path) != 0 {
            throw OperationError.invalid(
                "\(path).new cannot be put in the place of \(path): \(String(cString: strerror(errno)))")
        }
    }
}
