/// Resolving and checking the addressed regions.
extension BulletinReview {
    mutating func regions(_ codes: [(code: String, path: String)], isEmergency: Bool) -> [Region] {
        var found: [Region] = []
        for (code, path) in codes {
            for region in resolve(code, path, isEmergency: isEmergency) {
                // The publisher of a retired village covers the old code, but not the region above that replaces it.
                let isAbove = Region(code).map { region.contains($0) && region != $0 } ?? false
                if let publisher, !publisher.scope.covers(region),
                    !(isAbove && Region(code).map(publisher.scope.covers) ?? false)
                {
                    let scope = publisher.scope.regions.map(\.code).joined(separator: ", ")
                    let name = registries.regions.fullName(of: region)
                    addError(
                        path, .outOfScope, "\(code) (\(name)) is outside the scope of \(publisher.slug): \(scope)")
                }
                if !found.contains(region) { found.append(region) }
            }
        }
        return found
    }

    /// Resolves a code to its region or to the successors of that region. Adds an error if the code is unknown, or if several
    /// successors leave a choice to the publisher; an emergency goes to all of them.
    private mutating func resolve(_ code: String, _ path: String, isEmergency: Bool) -> [Region] {
        guard let region = Region(code) else {
            addError(path, .unknownRegion, "\(code) is not a Kemendagri code; these are dotted, for example 73.71.09")
            return []
        }
        if registries.regions.contains(region) { return [region] }
        let successors = registries.successors.successors(of: region)
        let names = successors.map { "\($0) (\(registries.regions.name(of: $0) ?? "?"))" }.joined(separator: ", ")
        if successors.isEmpty, let above = nearestKnown(to: region) {
            let name = above.map { "\($0) (\(registries.regions.fullName(of: $0)))" }.joined(separator: ", ")
            if isEmergency, mayReach(above, instead: region) {
                notes.append("\(code) is not a known region; the emergency goes to the region above it, \(name)")
                return above
            }
            addError(
                path, .unknownRegion,
                "\(code) is not a known region; it may be retired. Name its successor, or the region above it: \(name)"
            )
        } else if successors.isEmpty {
            addError(path, .unknownRegion, "\(code) is not a known region; look it up with: kentongan regions search")
        } else if successors.count == 1 || isEmergency {
            notes.append("\(code) is retired; replaced by \(names)")
            return successors
        } else {
            addError(
                path, .retiredRegion, "\(code) is retired and was split into \(names); name the ones that you mean")
        }
        return []
    }

    /// Whether the publisher's scope covers the unknown region, or every region that would replace it.
    private func mayReach(_ above: [Region], instead region: Region) -> Bool {
        guard let publisher else { return true }
        return publisher.scope.covers(region) || above.allSatisfy(publisher.scope.covers)
    }

    /// The nearest known region above an unknown one, or the successors of a retired one.
    ///
    /// Villages and districts are merged and renumbered, and no table lists all of these changes. The country is never
    /// the answer: the code may be a typing error, and a whole country is too large an audience for it.
    private func nearestKnown(to region: Region) -> [Region]? {
        for above in region.ancestors where above != .country {
            if registries.regions.contains(above) { return [above] }
            let successors = registries.successors.successors(of: above)
            if !successors.isEmpty { return successors }
        }
        return nil
    }
}
