// A fast simulation of Geant4 that asks a model of the zoo: electrons and
// positrons that enter the calorimeter through its front face are collected,
// and simulated in one call when Geant4 has no more tracks of the event.
#ifndef FASTSIM_ZOO_EXAMPLES_ZOO_MODEL_HPP_
#define FASTSIM_ZOO_EXAMPLES_ZOO_MODEL_HPP_

#include <G4FastHit.hh>
#include <G4FastSimHitMaker.hh>
#include <G4FastStep.hh>
#include <G4FastTrack.hh>
#include <G4ParticleDefinition.hh>
#include <G4Region.hh>
#include <G4String.hh>
#include <G4SystemOfUnits.hh>
#include <G4ThreeVector.hh>
#include <G4Track.hh>
#include <G4Types.hh>
#include <G4VFastSimulationModel.hh>
#include <Randomize.hh>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <fastsim_zoo/batch.hpp>
#include <fastsim_zoo/description.hpp>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct ZooModelOptions {
  // z of the front face in the frame of the envelope; x and y are those of the
  // model, and z is the depth.
  G4double front_z = 0;
  // Depth at which hits are made: inside a sensitive volume, whatever x and y
  // are. A model that sums over the depth knows none.
  G4double hit_depth = 0;
  // Showers of one cell hold more than this; in Geant4's units.
  G4double threshold = 0;
};

// One for each thread, made in ConstructSDandField(); the simulator may be
// shared. The envelope is placed once.
template <typename AnySimulator>
class ZooModel : public G4VFastSimulationModel {
 public:
  ZooModel(const G4String& name, G4Region* envelope,
           const AnySimulator& simulator,
           fastsim_zoo::Description description, ZooModelOptions options)
      : G4VFastSimulationModel(name, envelope, /*IsUnique=*/true),
        options_(options),
        unit_(description.response_unit == "MeV" ? CLHEP::MeV : 0),
        batch_(simulator, std::move(description), BatchOptionsOf(options)),
        place_(envelope, /*IsUnique=*/true) {
    if (unit_ == 0) {
      throw fastsim_zoo::Error("the responses are not in MeV but in " +
                               batch_.description().response_unit);
    }
  }

  G4bool IsApplicable(const G4ParticleDefinition& particle) override {
    const G4int code = particle.GetPDGEncoding();
    return code == 11 || code == -11;
  }

  // Only what has just come through the front face passes: deeper inside,
  // Batch refuses a particle, since it starts behind the face.
  G4bool ModelTrigger(const G4FastTrack& track) override {
    return !batch_.Refusal(ParticleOf(track));
  }

  void DoIt(const G4FastTrack& track, G4FastStep& step) override {
    batch_.Add(ParticleOf(track));
    // Geant4 deletes the track when it is killed, but hits need one: its time
    // and its weight.
    tracks_.push_back(std::make_unique<G4Track>(*track.GetPrimaryTrack()));
    // While the navigator is inside the envelope, whose place it finds.
    place_.SetCurrentTrack(*tracks_.back());
    step.KillPrimaryTrack();
    step.SetPrimaryTrackPathLength(0.0);
    step.SetTotalEnergyDeposited(
        track.GetPrimaryTrack()->GetKineticEnergy());
  }

  // Geant4 11 calls it whenever no track of the event is left, before the
  // hits are handed over.
  void Flush() override {
    if (tracks_.empty()) return;
    // Of Geant4's generator, so that an event depends on its seeds alone.
    batch_.Simulate({RandomNumber(), RandomNumber()});
    if (!batch_.not_simulated().empty()) {
      G4Exception("ZooModel::Flush", "fastsim_zoo", EventMustBeAborted,
                  "the model refused a particle that is inside the domain of "
                  "its signature.json; export the model again");
    }
    for (const fastsim_zoo::Hit& hit : batch_.hits()) MakeHit(hit);
    batch_.Clear();
    tracks_.clear();
  }

 private:
  static fastsim_zoo::BatchOptions BatchOptionsOf(
      const ZooModelOptions& options) {
    fastsim_zoo::BatchOptions batch;
    batch.threshold = static_cast<float>(options.threshold / CLHEP::MeV);
    batch.shift_by_cells = true;
    return batch;
  }

  static std::int32_t RandomNumber() {
    constexpr auto kLargest = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(G4UniformRand() * kLargest);
  }

  // From the frame of the envelope and Geant4's units to the model's.
  fastsim_zoo::Particle ParticleOf(const G4FastTrack& track) const {
    const G4ParticleDefinition& kind =
        *track.GetPrimaryTrack()->GetParticleDefinition();
    const G4ThreeVector position = track.GetPrimaryTrackLocalPosition();
    const G4ThreeVector direction = track.GetPrimaryTrackLocalDirection();
    return {kind.GetPDGEncoding(),
            kind.GetPDGMass() / CLHEP::GeV,
            track.GetPrimaryTrack()->GetKineticEnergy() / CLHEP::GeV,
            {direction.x(), direction.y(), direction.z()},
            {position.x() / CLHEP::cm, position.y() / CLHEP::cm,
             (position.z() - options_.front_z) / CLHEP::cm}};
  }

  void MakeHit(const fastsim_zoo::Hit& hit) {
    const G4ThreeVector position(hit.position_cm[0] * CLHEP::cm,
                                 hit.position_cm[1] * CLHEP::cm,
                                 options_.front_z + options_.hit_depth);
    place_.SetCurrentTrack(*tracks_[hit.particle]);
    if (!located_) {
      // The first hit of a G4FastSimHitMaker is made where the track is,
      // whatever position it has: on the front face, which no cell owns.
      hit_maker_.make(G4FastHit(position, DBL_MIN), place_);
      located_ = true;
    }
    hit_maker_.make(G4FastHit(position, hit.energy * unit_), place_);
  }

  ZooModelOptions options_;
  G4double unit_;
  fastsim_zoo::Batch<AnySimulator> batch_;
  // The envelope's place, and in turn the track of each hit.
  G4FastTrack place_;
  // By index of the particle in the batch.
  std::vector<std::unique_ptr<G4Track>> tracks_;
  G4FastSimHitMaker hit_maker_;
  G4bool located_ = false;
};

#endif  // FASTSIM_ZOO_EXAMPLES_ZOO_MODEL_HPP_
