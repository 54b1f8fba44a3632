package import Bulletins
package import Runtime
package import Storage

/// Looks up the registries, which everybody may read, and takes a new set of region codes in.
package struct RegionOperations {
    package typealias Desk = OperatorStore & SubscriberStore

    let principal: Principal
    let registries: Registries
    let clock: WallClock

    package init(_ principal: Principal, registries: Registries, clock: WallClock = .system) {
        (self.principal, self.registries, self.clock) = (principal, registries, clock)
    }

    /// Regions by words of their names, or by code.
    package func search(_ text: String, limit: Int) -> [RegionView] {
        registries.regions.search(text, limit: limit).map { RegionView($0, in: registries.regions) }
    }

    package func fields(limit: Int) -> [FieldRegistry.Entry] { Array(registries.fields.entries.prefix(limit)) }

    /// The subscriptions that an import of these codes would move. Refused if a subscription's region would be gone
    /// without a successor.
    package func plan(_ new: RegionImport, _ store: any Desk) async throws -> [MovedSubscription] {
        try principal.require(.read)
        var affected: [StoredSubscription] = []
        try await store.eachSubscription { if !new.tree.contains($0.subscription.region) { affected.append($0) } }
        let stranded = affected.filter { new.replacements[$0.subscription.region] == nil }
        if let first = stranded.first {
            throw OperationError.conflict(
                "\(first.subscription.region) is retired without a successor, and \(stranded.count) subscriptions are under codes like it",
                advice: "name successors with --successors")
        }
        return affected.compactMap { new.move($0) }
    }

    /// Replaces the registries' files, and moves subscriptions and homes to the regions that took the place of theirs.
    /// Their owners are told. Running workers take the new codes when they start next.
    package func replace(by new: RegionImport, _ files: RegionFiles, _ store: any Desk) async throws
        -> [MovedSubscription]
    {
        try principal.require(.change)
        _ = try await plan(new, store)
        // A full disk is found before the store is changed.
        let drafts = try DraftFiles([files.regions: new.bytes, files.successors: new.successorsFile])
        let moved = try await store.replaceRegions(
            new.replacements, names: new.names, zones: registries.timeZones, now: clock.now)
        try drafts.put()
        return moved
    }
}

/// A region as listings show it.
package struct RegionView: Sendable, Equatable {
    package let region: Region
    package let name: String?
    /// With the names of the regions above it: Sukamaju alone names dozens of villages.
    package let path: String

    init(_ region: Region, in tree: RegionTree) {
        (self.region, name, path) = (region, tree.name(of: region), tree.fullName(of: region))
    }
}

/// The paths of the files that an import of region codes replaces.
package struct RegionFiles: Sendable {
    package let regions: String
    package let successors: String

    package init(regions: String, successors: String) { (self.regions, self.successors) = (regions, successors) }
}
