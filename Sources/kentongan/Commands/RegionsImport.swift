import ArgumentParser
import Bulletins
import Foundation
import Runtime
import Storage
import Worker

extension RegionsCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Takes a new set of codes in, and moves subscriptions to the regions that took the place of theirs.",
            discussion:
                "CSV holds all regions: code,name,level. --successors names what became of retired codes: "
                + "old_code,new_code. Owners are told by mail. Workers take the new codes when they start next.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "A CSV file, or - for standard input.") var file: String
        @Option(help: "A CSV file of old_code,new_code.") var successors: String?
        @Flag(help: "Only says what would move.") var dryRun = false
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let context = try await CommandContext(options)
            let old = try context.registries()
            let new = try NewRegions(
                regions: try InputFile.bytes(file), file: file,
                successors: try successors.map { try InputFile.bytes($0) }, old: old)
            let store = try context.store()
            var subscriptions: [StoredSubscription] = []
            try await store.eachSubscription {
                if !new.tree.contains($0.subscription.region) { subscriptions.append($0) }
            }
            let stranded = new.stranded(subscriptions)
            if let first = stranded.first {
                throw RefusedInput(
                    "\(first.subscription.region) is retired without a successor, and \(stranded.count) subscriptions stand under codes like it; name successors with --successors"
                )
            }
            if dryRun { return new.replaced(subscriptions).forEach(print) }
            let files = try new.write(to: context.settings.data)
            let moved = try await store.replaceRegions(
                new.replacements, names: new.names, zones: old.timeZones, now: WallClock.system.now)
            try files.put()
            moved.forEach(print)
            if !json { Output.line("\(new.tree.count - 1) regions are there; start the workers anew to use them") }
        }

        private func print(_ moved: MovedSubscription) {
            let codes = moved.to.map(\.code)
            if json {
                return Output.jsonLine([
                    "id": .integer(moved.number), "address": .string(moved.address), "from": .string(moved.from.code),
                    "to": .texts(codes),
                ])
            }
            Output.line(
                "subscription \(moved.number): \(moved.address) moves from \(moved.from) to \(codes.joined(separator: ", "))"
            )
        }
    }
}

/// A set of codes that takes the place of the present one.
private struct NewRegions {
    let tree: RegionTree
    /// What stands under these codes goes over to others.
    let replacements: [Region: [Region]]
    private let bytes: [UInt8]
    private let old: Registries

    init(regions bytes: [UInt8], file: String, successors: [UInt8]?, old: Registries) throws {
        (self.bytes, self.old) = (bytes, old)
        do {
            tree = try RegionTree(csv: bytes, file: file)
            let named = try successors.map { try RegionSuccessors(csv: $0, file: "the successors' file").all } ?? [:]
            replacements = Self.replacements(
                by: old.successors.all.merging(named) { _, new in new }, among: tree)
            for (region, codes) in named where !tree.contains(region) && replacements[region] == nil {
                throw RefusedInput(
                    "\(codes.map(\.code).joined(separator: ", ")), for \(region), is not among the new regions")
            }
        } catch let error as RegistryError {
            throw RefusedInput("\(error)")
        }
    }

    /// What stands in the place of each retired code now: what took its place may be retired itself.
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

    /// Subscriptions under codes that are gone for good.
    func stranded(_ subscriptions: [StoredSubscription]) -> [StoredSubscription] {
        subscriptions.filter {
            !tree.contains($0.subscription.region) && replacements[$0.subscription.region] == nil
        }
    }

    func replaced(_ subscriptions: [StoredSubscription]) -> [MovedSubscription] {
        subscriptions.compactMap { stored in
            replacements[stored.subscription.region].map {
                MovedSubscription(
                    number: stored.number, address: stored.subscription.endpoint.address,
                    from: stored.subscription.region, to: $0)
            }
        }
    }

    /// For the mails to owners.
    var names: [Region: String] {
        var names: [Region: String] = [:]
        for (region, codes) in replacements {
            names[region] = old.regions.contains(region) ? old.regions.fullName(of: region) : nil
            for code in codes { names[code] = tree.fullName(of: code) }
        }
        return names
    }

    /// Writes both files beside those they will replace.
    func write(to data: Settings.DataFiles) throws -> DraftFiles {
        var text = "old_code,new_code,old_name\n"
        for (region, codes) in replacements.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for code in codes { text += "\(region),\(code),\(CSVTable.cell(old.regions.name(of: region) ?? ""))\n" }
        }
        return try DraftFiles([data.regions: bytes, data.successors: Array(text.utf8)])
    }
}

/// Files that are written whole first, and then put into the place of others, one after the other.
private struct DraftFiles {
    private let paths: [String]

    init(_ files: [String: [UInt8]]) throws {
        for (path, bytes) in files {
            do {
                try Data(bytes).write(to: URL(filePath: path + ".new"))
            } catch {
                throw RefusedInput("\(path) cannot be replaced: \(error.localizedDescription)")
            }
        }
        paths = files.keys.sorted()
    }

    func put() throws {
        for path in paths where rename(path + ".new", path) != 0 {
            throw RefusedInput("\(path).new cannot be put in the place of \(path): \(String(cString: strerror(errno)))")
        }
    }
}
