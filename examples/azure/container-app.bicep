// What the identity of one environment may do on Container Apps: change one app and its revisions, and nothing beside it.
// Deploy it into the environment's own resource group; what it pulls is said in registry.bicep.
targetScope = 'resourceGroup'

@description('Principal of lockgate-<environment>')
param principalId string
param appName string

@description('Empty: no release is marked on charts')
param insightsName string = ''

@description('Empty: no secret comes from a vault')
param vaultName string = ''

@description('Who reads the vault: the app and its slots by their own identities; lockgate-<environment> only for commands that need a value')
param vaultReaderPrincipalIds array = []

var roles = {
  containerAppsContributor: '358470bc-b998-42bd-ab17-a7e34c199c0f'
  monitoringContributor: '749f88d5-cbae-40b8-bcfc-e573ddc772fa'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
}

resource app 'Microsoft.App/containerApps@2024-03-01' existing = {
  name: appName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = if (!empty(insightsName)) {
  name: insightsName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = if (!empty(vaultName)) {
  name: vaultName
}

resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(app.id, principalId, roles.containerAppsContributor)
  scope: app
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.containerAppsContributor)
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
