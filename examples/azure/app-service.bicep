// What the identity of one environment may do on App Service: change one web app and its slots, and nothing beside it.
// Deploy it into the environment's own resource group; what it pulls is said in registry.bicep.
targetScope = 'resourceGroup'

@description('Principal of lockgate-<environment>')
param principalId string
param appName string

@description('Whether lockgate.yml has target.autoscale')
param autoscale bool = false

@description('Empty: no release is marked on charts')
param insightsName string = ''

@description('Empty: no secret comes from a vault')
param vaultName string = ''

@description('Who reads the vault: the app and its slots by their own identities; lockgate-<environment> only for commands that need a value')
param vaultReaderPrincipalIds array = []

var roles = {
  websiteContributor: 'de139f84-1756-47ae-9be6-808fbbe84772'
  monitoringContributor: '749f88d5-cbae-40b8-bcfc-e573ddc772fa'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
}

resource app 'Microsoft.Web/sites@2023-12-01' existing = {
  name: appName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = if (!empty(insightsName)) {
  name: insightsName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = if (!empty(vaultName)) {
  name: vaultName
}

resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(app.id, principalId, roles.websiteContributor)
  scope: app
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.websiteContributor)
  }
}

resource scale 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (autoscale) {
  name: guid(resourceGroup().id, 'lockgate-autoscale')
  properties: {
    roleName: 'Lockgate autoscale ${resourceGroup().name}'
    description: 'Read and set autoscale settings'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.Insights/autoscaleSettings/read'
          'Microsoft.Insights/autoscaleSettings/write'
        ]
      }
    ]
  }
}

resource scales 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (autoscale) {
  name: guid(resourceGroup().id, principalId, 'lockgate-autoscale')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: scale.id
  }
}

resource marks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(insightsName)) {
  name: guid(resourceGroup().id, insightsName, principalId, roles.monitoringContributor)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringContributor)
  }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for readerId in vaultReaderPrincipalIds: {
  name: guid(resourceGroup().id, vaultName, readerId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: readerId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}]
