// What examples/geant4_cpp uses of Geant4 11, as declarations that do nothing: the
// example is compiled against them where there is no Geant4.
#ifndef FASTSIM_ZOO_TESTS_GEANT4_DECLARATIONS_HPP_
#define FASTSIM_ZOO_TESTS_GEANT4_DECLARATIONS_HPP_

#include <map>
#include <string>

typedef int G4int;
typedef double G4double;
typedef bool G4bool;
typedef std::string G4String;
namespace CLHEP {
  static constexpr double mm=1, cm=10, m=1000, MeV=1, GeV=1000;
}
inline double G4UniformRand() { return .5; }
struct G4ThreeVector {
  double a=0, b=0, c=0;
  G4ThreeVector() {}
  G4ThreeVector(double x, double y, double z):a(x), b(y), c(z) {}
  double x() const { return a; }
  double y() const { return b; }
  double z() const { return c; }
};
struct G4ParticleDefinition {
  G4int GetPDGEncoding() const { return 11; }
  G4double GetPDGMass() const { return .5; }
};
struct G4Electron : G4ParticleDefinition {
  static G4Electron* Definition() { static G4Electron e;return& e; }
};
struct G4Track {
  G4double GetKineticEnergy() const { return 1; }
  const G4ParticleDefinition* GetParticleDefinition() const { static G4ParticleDefinition d;return &d; }
};
struct G4LogicalVolume;
struct G4Region {
  G4Region(const G4String&) {}
  void AddRootLogicalVolume(G4LogicalVolume*, G4bool=true) {}
};
typedef G4Region G4Envelope;
struct G4Navigator;
struct G4FastTrack {
  G4FastTrack(G4Envelope*, G4bool) {}
  void SetCurrentTrack(const G4Track& t, const G4Navigator* =nullptr) { p=&t; }
  const G4Track* GetPrimaryTrack() const { return p; }
  G4ThreeVector GetPrimaryTrackLocalPosition() const {
    return {};
  }
  G4ThreeVector GetPrimaryTrackLocalDirection() const {
    return {};
  }
  const G4Track* p=nullptr;
};
struct G4FastStep {
  void KillPrimaryTrack() {}
  void SetPrimaryTrackPathLength(G4double) {}
  void SetTotalEnergyDeposited(G4double) {}
};
struct G4FastHit {
  G4FastHit(const G4ThreeVector&, G4double) {}
};
struct G4FastSimHitMaker {
  void make(const G4FastHit&, const G4FastTrack&) {}
};
enum G4ExceptionSeverity { EventMustBeAborted };
inline void G4Exception(const char*, const char*, G4ExceptionSeverity, const char*) {}
struct G4VFastSimulationModel {
  G4VFastSimulationModel(const G4String&, G4Envelope*, G4bool=false) {}
  virtual ~G4VFastSimulationModel() {}
  virtual G4bool IsApplicable(const G4ParticleDefinition&)=0;
  virtual G4bool ModelTrigger(const G4FastTrack&)=0;
  virtual void DoIt(const G4FastTrack&, G4FastStep&)=0;
  virtual void Flush() {}
};
struct G4Material;
struct G4NistManager {
  static G4NistManager* Instance() { return nullptr; }
  G4Material* FindOrBuildMaterial(const G4String&, G4bool=true, G4bool=false) { return nullptr; }
};
struct G4VSolid {};
struct G4Box : G4VSolid {
  G4Box(const G4String&, G4double, G4double, G4double) {}
};
struct G4LogicalVolume {
  G4LogicalVolume(G4VSolid*, G4Material*, const G4String&) {}
  const G4String& GetName() const { static G4String s;return s; }
};
struct G4VPhysicalVolume {};
struct G4RotationMatrix;
struct G4PVPlacement : G4VPhysicalVolume {
  G4PVPlacement(G4RotationMatrix*, const G4ThreeVector&, G4LogicalVolume*, const G4String&, G4LogicalVolume*, G4bool, G4int, G4bool=false) {}
};
enum EAxis { kXAxis, kYAxis, kZAxis };
struct G4PVReplica : G4VPhysicalVolume {
  G4PVReplica(const G4String&, G4LogicalVolume*, G4LogicalVolume*, const EAxis, const G4int, const G4double, const G4double=0) {}
};
struct G4VPrimitiveScorer {};
struct G4PSEnergyDeposit3D : G4VPrimitiveScorer {
  G4PSEnergyDeposit3D(G4String, G4int=1, G4int=1, G4int=1, G4int=2, G4int=1, G4int=0) {}
};
struct G4VSensitiveDetector {};
struct G4MultiFunctionalDetector : G4VSensitiveDetector {
  G4MultiFunctionalDetector(G4String) {}
  G4bool RegisterPrimitive(G4VPrimitiveScorer*) { return true; }
};
struct G4SDManager {
  static G4SDManager* GetSDMpointer() { return nullptr; }
  void AddNewDetector(G4VSensitiveDetector*) {}
  G4int GetCollectionID(G4String) { return 0; }
};
struct G4VUserDetectorConstruction {
  virtual ~G4VUserDetectorConstruction() {}
  virtual G4VPhysicalVolume* Construct()=0;
  virtual void ConstructSDandField() {}
  void SetSensitiveDetector(G4LogicalVolume*, G4VSensitiveDetector*) {}
};
struct G4VHitsCollection {
  virtual ~G4VHitsCollection() {}
};
template<class T>struct G4THitsMap : G4VHitsCollection {
  std::map<G4int, T*>*GetMap() const { return nullptr; }
};
struct G4HCofThisEvent {
  G4VHitsCollection* GetHC(G4int) { return nullptr; }
};
struct G4Event {
  G4HCofThisEvent* GetHCofThisEvent() const { return nullptr; }
  G4int GetEventID() const { return 0; }
};
struct G4ParticleGun {
  G4ParticleGun(G4ParticleDefinition*, G4int=1) {}
  void SetParticleEnergy(G4double) {}
  void SetParticleMomentumDirection(G4ThreeVector) {}
  void SetParticlePosition(G4ThreeVector) {}
  void GeneratePrimaryVertex(G4Event*) {}
};
struct G4VUserPrimaryGeneratorAction {
  virtual ~G4VUserPrimaryGeneratorAction() {}
  virtual void GeneratePrimaries(G4Event*)=0;
};
struct G4UserEventAction {
  virtual ~G4UserEventAction() {}
  virtual void EndOfEventAction(const G4Event*) {}
};
struct G4VUserActionInitialization {
  virtual ~G4VUserActionInitialization() {}
  virtual void Build() const=0;
  void SetUserAction(G4VUserPrimaryGeneratorAction*) const {}
  void SetUserAction(G4UserEventAction*) const {}
};
struct G4VPhysicsConstructor {};
struct G4EmStandardPhysics : G4VPhysicsConstructor {};
struct G4FastSimulationPhysics : G4VPhysicsConstructor {
  void ActivateFastSimulation(const G4String&) {}
};
struct G4VModularPhysicsList {
  void RegisterPhysics(G4VPhysicsConstructor*) {}
};
struct G4RunManager {
  virtual ~G4RunManager() {}
  virtual void SetUserInitialization(G4VUserDetectorConstruction*) {}
  virtual void SetUserInitialization(G4VModularPhysicsList*) {}
  virtual void SetUserInitialization(G4VUserActionInitialization*) {}
  virtual void Initialize() {}
  virtual void BeamOn(G4int, const char* =nullptr, G4int=-1) {}
};
enum class G4RunManagerType { Default };
struct G4RunManagerFactory {
  static G4RunManager* CreateRunManager(G4RunManagerType) { return new G4RunManager; }
};
struct G4UImanager {
  static G4UImanager* GetUIpointer() { return nullptr; }
  G4int ApplyCommand(const char*) { return 0; }
  G4int ApplyCommand(const G4String&) { return 0; }
};

#endif  // FASTSIM_ZOO_TESTS_GEANT4_DECLARATIONS_HPP_
